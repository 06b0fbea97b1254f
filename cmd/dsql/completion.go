package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"dsql/pipeline/run"
)

// completionCmd prints the completion script of a shell. What stands in it is the same for all three: it asks the command itself, by
// __complete, what the last of its words may become, and prints that as the shell wants it.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: ${enum}."`
}

func (c *completionCmd) Run(s *streams) error {
	_, err := fmt.Fprint(s.out, map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[c.Shell])
	return err
}

type model struct {
	commands []command
	flags    []flag // of all commands
}

type command struct {
	name, help string
	flags      []flag
	args       []value
}

type flag struct {
	name, help  string
	short       rune
	takes       bool // a value
	placeholder string
	value       value
}

// value is what a flag or an argument is completed to: one of words; a "file", a "dir", a "script"; a "command"; or the name of a
// declaration, "name", of some kinds "name:journal,stream". "" is anything.
type value struct {
	words []string
	kind  string
	many  bool // an argument that may be given several times
}

func describe(p *kong.Kong) model {
	m := model{flags: flags(p.Model.Flags)}
	for _, n := range p.Model.Children {
		c := command{name: n.Name, help: n.Help, flags: flags(n.Flags)}
		for _, p := range n.Positional {
			v := valueOf(p)
			v.many = p.IsCumulative()
			c.args = append(c.args, v)
		}
		m.commands = append(m.commands, c)
	}
	return m
}

func flags(list []*kong.Flag) []flag {
	var out []flag
	for _, f := range list {
		if f.Hidden {
			continue
		}
		out = append(out, flag{f.Name, strings.ReplaceAll(f.Help, "${enum}", f.Enum), f.Short, !f.IsBool(), f.FormatPlaceHolder(), valueOf(f.Value)})
	}
	return out
}

func valueOf(v *kong.Value) value {
	if v.Enum != "" {
		return value{words: v.EnumSlice()}
	}
	return value{kind: v.Tag.Get("complete")}
}

// all are the flags that may stand behind a command, its own first.
func (m model) all(c command) []flag { return append(append([]flag{}, c.flags...), m.flags...) }

// completed prints what the last word of a command line may become: a candidate a line, behind a tab what it is; and where paths may stand,
// :file, :dir or :script, which the shell knows better.
func (s *streams) completed(words []string) error {
	p, err := newParser(&cli{}, "", s.out, s.err)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		words = []string{""}
	}
	a := &asked{model: describe(p), s: s, word: words[len(words)-1]}
	a.all(words[:len(words)-1])
	_, err = fmt.Fprint(s.out, a.out.String())
	return err
}

// asked is what is completed.
type asked struct {
	model
	s    *streams
	word string
	out  strings.Builder
}

// offer adds a candidate, if it is one for the word.
func (a *asked) offer(word, doc string) {
	if !strings.HasPrefix(word, a.word) || strings.HasPrefix(word, "-") && a.word == "" {
		return
	}
	doc, _, _ = strings.Cut(doc, "\n")
	a.out.WriteString(strings.TrimSuffix(word+"\t"+doc, "\t") + "\n")
}

// all finds what may stand behind words.
func (a *asked) all(words []string) {
	var cmd *command
	var pending *flag // the flag whose value comes next
	n := 0            // arguments that there are
	ended := false    // by --
	find := func(name string) *flag {
		fs := a.flags
		if cmd != nil {
			fs = a.model.all(*cmd)
		}
		i := slices.IndexFunc(fs, func(f flag) bool { return name == "--"+f.name || f.short != 0 && name == "-"+string(f.short) })
		if i < 0 {
			return nil
		}
		return &fs[i]
	}
	for _, w := range words {
		f := find(w)
		switch {
		case pending != nil:
			pending = nil
		case w == "--" && !ended:
			ended = true
		case strings.HasPrefix(w, "-") && w != "-" && !ended:
			if f != nil && f.takes {
				pending = f
			}
		case cmd == nil:
			if i := slices.IndexFunc(a.commands, func(c command) bool { return c.name == w }); i >= 0 {
				cmd = &a.commands[i]
			}
		default:
			n++
		}
	}
	name, _, assigned := strings.Cut(a.word, "=")
	switch f := find(name); {
	case pending != nil:
		a.value(cmd, *pending, words, "")
	case strings.HasPrefix(a.word, "-") && assigned && f != nil && !ended:
		a.value(cmd, *f, words, name+"=")
	case strings.HasPrefix(a.word, "-") && !ended:
		fs := a.flags
		if cmd != nil {
			fs = a.model.all(*cmd)
		}
		for _, f := range fs {
			a.offer("--"+f.name, f.help)
		}
	case cmd == nil:
		for _, c := range a.commands {
			a.offer(c.name, c.help)
		}
	case len(cmd.args) > 0:
		v := cmd.args[min(n, len(cmd.args)-1)]
		if n < len(cmd.args) || v.many {
			a.one(v, words, "")
		}
	}
}

// value offers what a flag may be: --output what the command has.
func (a *asked) value(cmd *command, f flag, words []string, before string) {
	if f.name == "output" && cmd != nil {
		if f.value.words = formatsOf(cmd.name); writesFile(cmd.name) {
			f.value.kind = "file"
		}
	}
	a.one(f.value, words, before)
}

func (a *asked) one(v value, words []string, before string) {
	for _, w := range v.words {
		a.offer(before+w, "")
	}
	kinds, names := strings.CutPrefix(v.kind, "name")
	switch {
	case v.kind == "command":
		for _, c := range a.commands {
			a.offer(c.name, c.help)
		}
		for _, f := range run.Language.Forms {
			a.offer(f.Title(), f.Doc)
		}
	case names:
		for _, d := range a.s.declaredNames(words, strings.Split(strings.TrimPrefix(kinds, ":"), ",")) {
			a.offer(before+d.name, d.kind)
		}
	case v.kind != "":
		a.out.WriteString(":" + v.kind + "\n")
	}
}

// The scripts split a line of __complete at the tab. That of bash also runs in the bash 3.2 of macOS, which parts words at =.
const (
	bash = `# bash completion for dsql: source <(dsql completion bash)
_dsql() {
  local IFS=$'\n' cur=${COMP_WORDS[COMP_CWORD]} words=() kind= line i
  for ((i = 1; i < COMP_CWORD; i++)); do [[ ${COMP_WORDS[i]} == = ]] || words+=("${COMP_WORDS[i]}"); done
  [[ $cur == = ]] && cur=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in :*) kind=${line#:};; *) COMPREPLY+=("${line%%$'\t'*}");; esac
  done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete "${words[@]}" "$cur" 2>/dev/null)
  case $kind in
    file) COMPREPLY+=($(compgen -f -- "$cur"));;
    dir) COMPREPLY+=($(compgen -d -- "$cur"));;
    script) COMPREPLY+=($(compgen -d -- "$cur") $(compgen -f -X '!*.sql' -- "$cur"));;
  esac
}
complete -o filenames -F _dsql dsql
`
	zsh = `#compdef dsql
# zsh completion for dsql: source <(dsql completion zsh), or as the file _dsql in a folder of $fpath
_dsql() {
  local -a offers
  local line kind
  for line in "${(@f)$("${(Q)words[1]/#\~/$HOME}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :*) kind=${line#:};;
      *) offers+=("${${line%%$'\t'*}//:/\\:}:${${line#*$'\t'}:-}");;
    esac
  done
  (( $#offers )) && _describe -V 'dsql' offers
  [[ -n $kind ]] && compset -P '--*='
  case $kind in
    file) _files;;
    dir) _files -/;;
    script) _path_files -g '*.sql'; _path_files -/;; # _files falls back on all
  esac
}
if [[ $funcstack[1] == _dsql ]]; then _dsql "$@"; else compdef _dsql dsql; fi
`
	fish = `# fish completion for dsql: dsql completion fish > ~/.config/fish/completions/dsql.fish
function __dsql_complete
  set -l words (commandline -opc)
  set -l cur (commandline -ct)
  set -l path (string replace -r -- '^--[^=]*=' '' "$cur")
  for line in ($words[1] __complete $words[2..-1] "$cur" 2>/dev/null)
    switch $line
      case ':file'
        __fish_complete_path $path
      case ':dir'
        __fish_complete_directories $path
      case ':script'
        __fish_complete_path $path | string match -r '^.*(?:\.sql|/)(?:\t.*)?$'
      case '*'
        echo $line
    end
  end
end
complete -c dsql -f -a '(__dsql_complete)'
`
)
