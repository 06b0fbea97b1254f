package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a completion script that is made from the command line's own model: commands, flags, the words of what is
// one of a few, and files where the tag complete says "file" or "dir".
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: ${enum}."`
}

func (c *completionCmd) Run(s *streams, p *kong.Kong) error {
	m := describe(p)
	script := map[string]func(model) string{"bash": bash, "zsh": zsh, "fish": fish}[c.Shell]
	_, err := fmt.Fprint(s.out, script(m))
	return err
}

type model struct {
	commands []command
	flags    []flag // of all commands
}

type command struct {
	name, help string
	flags      []flag
	arg        value
}

type flag struct {
	name, help string
	short      rune
	takes      bool // a value
	value      value
}

// value is what a flag or an argument is completed to: one of words, a "file", a "dir", or nothing.
type value struct {
	words []string
	kind  string
}

func describe(p *kong.Kong) model {
	m := model{flags: flags(p.Model.Flags)}
	for _, n := range p.Model.Children {
		c := command{name: n.Name, help: n.Help, flags: flags(n.Flags)}
		if len(n.Positional) > 0 {
			c.arg = valueOf(n.Positional[0])
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
		out = append(out, flag{f.Name, strings.ReplaceAll(f.Help, "${enum}", f.Enum), f.Short, !f.IsBool(), valueOf(f.Value)})
	}
	return out
}

func valueOf(v *kong.Value) value {
	if v.Enum != "" {
		return value{words: v.EnumSlice()}
	}
	return value{kind: v.Tag.Get("complete")}
}

func (m model) names() []string {
	var out []string
	for _, c := range m.commands {
		out = append(out, c.name)
	}
	return out
}

func long(fs ...flag) []string {
	var out []string
	for _, f := range fs {
		out = append(out, "--"+f.name)
	}
	return out
}

// all are the flags that may stand behind a command, its own first.
func (m model) all(c command) []flag { return append(append([]flag{}, c.flags...), m.flags...) }

// bash reads lists of words line by line (IFS), so that the names of files may have spaces. It also runs in the bash 3.2 of macOS.
func bash(m model) string {
	reply := func(what string) string { return "COMPREPLY=($(compgen " + what + ` -- "$cur"))` }
	words := func(w []string) string { return reply("-W $'" + strings.Join(w, `\n`) + "'") }
	of := func(v value) string {
		switch {
		case v.words != nil:
			return words(v.words)
		case v.kind == "file":
			return reply("-f")
		case v.kind == "dir":
			return reply("-d")
		}
		return ":"
	}
	var b strings.Builder
	b.WriteString(`# bash completion for dsql: source <(dsql completion bash)
_dsql() {
  local IFS=$'\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= i
  COMPREPLY=()
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
`)
	fmt.Fprintf(&b, "    case ${COMP_WORDS[i]} in %s) cmd=${COMP_WORDS[i]}; break;; esac\n  done\n  case $prev in\n",
		strings.Join(m.names(), "|"))
	seen := map[string]bool{}
	for _, c := range append([]command{{flags: m.flags}}, m.commands...) {
		for _, f := range c.flags {
			if !f.takes || seen[f.name] {
				continue
			}
			seen[f.name] = true
			pattern := "--" + f.name
			if f.short != 0 {
				pattern += "|-" + string(f.short)
			}
			fmt.Fprintf(&b, "    %s) %s; return;;\n", pattern, of(f.value))
		}
	}
	b.WriteString("  esac\n  case $cmd:$cur in\n")
	fmt.Fprintf(&b, "    :-*) %s;;\n    :*) %s;;\n", words(long(m.flags...)), words(m.names()))
	for _, c := range m.commands {
		fmt.Fprintf(&b, "    %s:-*) %s;;\n    %s:*) %s;;\n", c.name, words(long(m.all(c)...)), c.name, of(c.arg))
	}
	b.WriteString("  esac\n}\ncomplete -o filenames -F _dsql dsql\n")
	return b.String()
}

func zsh(m model) string {
	text := strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`)
	of := func(v value) string {
		switch {
		case v.words != nil:
			return "(" + strings.Join(v.words, " ") + ")"
		case v.kind == "file":
			return "_files"
		case v.kind == "dir":
			return "_files -/"
		}
		return " "
	}
	specs := func(fs []flag) string {
		var b strings.Builder
		for _, f := range fs {
			names, eq, arg := "--"+f.name, "", ""
			if f.takes {
				eq, arg = "=", ":"+f.name+":"+of(f.value)
			}
			fmt.Fprintf(&b, " '%s%s[%s]%s'", names, eq, text.Replace(f.help), arg)
			if f.short != 0 {
				fmt.Fprintf(&b, " '-%c[%s]%s'", f.short, text.Replace(f.help), arg)
			}
		}
		return b.String()
	}
	var b strings.Builder
	b.WriteString("#compdef dsql\n# zsh completion for dsql: source <(dsql completion zsh), or as the file _dsql in a folder of " +
		"$fpath\n_dsql() {\n  local context state line curcontext=$curcontext\n  local -a commands\n  commands=(\n")
	for _, c := range m.commands {
		fmt.Fprintf(&b, "    '%s:%s'\n", c.name, text.Replace(c.help))
	}
	fmt.Fprintf(&b, "  )\n  _arguments -C%s '1: :->command' '*:: :->rest'\n  case $state in\n  command) _describe command commands;;\n  "+
		"rest)\n    case $words[1] in\n", specs(m.flags))
	for _, c := range m.commands {
		fmt.Fprintf(&b, "    %s) _arguments%s '*:argument:%s';;\n", c.name, specs(m.all(c)), of(c.arg))
	}
	b.WriteString("    esac;;\n  esac\n}\nif [[ $funcstack[1] == _dsql ]]; then _dsql \"$@\"; else compdef _dsql dsql; fi\n")
	return b.String()
}

func fish(m model) string {
	text := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	var b strings.Builder
	b.WriteString("# fish completion for dsql: dsql completion fish > ~/.config/fish/completions/dsql.fish\ncomplete -c dsql -f\n")
	of := func(v value) string {
		switch {
		case v.words != nil:
			return " -a '" + strings.Join(v.words, " ") + "'"
		case v.kind == "file":
			return " -F"
		case v.kind == "dir":
			return " -a '(__fish_complete_directories)'"
		}
		return ""
	}
	add := func(when string, fs []flag) {
		for _, f := range fs {
			fmt.Fprintf(&b, "complete -c dsql%s -l %s", when, f.name)
			if f.short != 0 {
				fmt.Fprintf(&b, " -s %c", f.short)
			}
			switch {
			case f.value.kind == "file":
				b.WriteString(" -r -F")
			case f.takes:
				b.WriteString(" -x" + of(f.value))
			}
			fmt.Fprintf(&b, " -d '%s'\n", text.Replace(f.help))
		}
	}
	add("", m.flags)
	for _, c := range m.commands {
		fmt.Fprintf(&b, "complete -c dsql -n __fish_use_subcommand -a %s -d '%s'\n", c.name, text.Replace(c.help))
		when := " -n '__fish_seen_subcommand_from " + c.name + "'"
		add(when, c.flags)
		if arg := of(c.arg); arg != "" {
			fmt.Fprintf(&b, "complete -c dsql%s%s\n", when, arg)
		}
	}
	return b.String()
}
