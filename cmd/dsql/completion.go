package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a completion script made from the command line's own model: commands, flags, and the words of flags that
// take one of a few. Everything else completes to file names.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: ${enum}."`
}

func (c *completionCmd) Run(s *streams, p *kong.Kong) error {
	m := describe(p)
	text := map[string]func(model) string{"bash": bash, "zsh": zsh, "fish": fish}[c.Shell](m)
	_, err := fmt.Fprint(s.out, text)
	return err
}

type model struct {
	commands []command
	flags    []flag // of all commands
}

type command struct {
	name, help string
	flags      []flag
	words      []string // what its argument is one of; nil: a file
}

type flag struct {
	name, help string
	short      rune
	words      []string
	value      bool // it takes one
}

func describe(p *kong.Kong) model {
	m := model{flags: flags(p.Model.Flags)}
	for _, n := range p.Model.Children {
		c := command{name: n.Name, help: n.Help, flags: flags(n.Flags)}
		for _, a := range n.Positional {
			if a.Enum != "" {
				c.words = a.EnumSlice()
			}
		}
		m.commands = append(m.commands, c)
	}
	return m
}

func flags(list []*kong.Flag) []flag {
	var out []flag
	for _, f := range list {
		x := flag{name: f.Name, help: strings.ReplaceAll(f.Help, "${enum}", f.Enum), short: f.Short, value: !f.IsBool()}
		if f.Enum != "" {
			x.words = f.EnumSlice()
		}
		out = append(out, x)
	}
	return out
}

func (m model) names() string {
	var out []string
	for _, c := range m.commands {
		out = append(out, c.name)
	}
	return strings.Join(out, " ")
}

func long(fs []flag) string {
	var out []string
	for _, f := range fs {
		out = append(out, "--"+f.name)
	}
	return strings.Join(out, " ")
}

func bash(m model) string {
	var b strings.Builder
	b.WriteString("# bash completion for dsql: source <(dsql completion bash)\n_dsql() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[1]}\n  COMPREPLY=()\n")
	b.WriteString("  case $prev in\n")
	seen := map[string]bool{}
	for _, c := range append(m.commands, command{flags: m.flags}) {
		for _, f := range c.flags {
			if len(f.words) > 0 && !seen[f.name] {
				seen[f.name] = true
				fmt.Fprintf(&b, "    --%s) COMPREPLY=($(compgen -W %q -- \"$cur\")); return;;\n", f.name, strings.Join(f.words, " "))
			}
		}
	}
	b.WriteString("  esac\n")
	fmt.Fprintf(&b, "  if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W %q -- \"$cur\")); return; fi\n", m.names())
	b.WriteString("  case $cmd in\n")
	for _, c := range m.commands {
		fmt.Fprintf(&b, "    %s) case $cur in -*) COMPREPLY=($(compgen -W %q -- \"$cur\"));; *) COMPREPLY=($(compgen %s -- \"$cur\"));; esac;;\n", c.name, strings.TrimSpace(long(c.flags)+" "+long(m.flags)), bashArgument(c))
	}
	b.WriteString("  esac\n}\ncomplete -o filenames -F _dsql dsql\n")
	return b.String()
}

func bashArgument(c command) string {
	if c.words != nil {
		return fmt.Sprintf("-W %q", strings.Join(c.words, " "))
	}
	return "-f"
}

func zsh(m model) string {
	quote := strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`)
	spec := func(f flag) string {
		s := fmt.Sprintf("'--%s[%s]", f.name, quote.Replace(f.help))
		switch {
		case len(f.words) > 0:
			s += ":" + f.name + ":(" + strings.Join(f.words, " ") + ")"
		case f.value:
			s += ":" + f.name + ":_files"
		}
		return s + "'"
	}
	var b strings.Builder
	b.WriteString("#compdef dsql\n# zsh completion for dsql: dsql completion zsh > \"${fpath[1]}/_dsql\"\n_dsql() {\n  local -a commands\n  commands=(\n")
	for _, c := range m.commands {
		fmt.Fprintf(&b, "    '%s:%s'\n", c.name, quote.Replace(c.help))
	}
	b.WriteString("  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n  case $words[2] in\n")
	for _, c := range m.commands {
		fmt.Fprintf(&b, "    %s) _arguments", c.name)
		for _, f := range append(c.flags, m.flags...) {
			b.WriteString(" " + spec(f))
		}
		if c.words != nil {
			fmt.Fprintf(&b, " '*:argument:(%s)'", strings.Join(c.words, " "))
		} else {
			b.WriteString(" '*:file:_files'")
		}
		b.WriteString(";;\n")
	}
	b.WriteString("  esac\n}\n_dsql \"$@\"\n")
	return b.String()
}

func fish(m model) string {
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	var b strings.Builder
	b.WriteString("# fish completion for dsql: dsql completion fish > ~/.config/fish/completions/dsql.fish\n")
	add := func(when string, f flag) {
		fmt.Fprintf(&b, "complete -c dsql -n '%s' -l %s", when, f.name)
		if f.short != 0 {
			fmt.Fprintf(&b, " -s %c", f.short)
		}
		switch {
		case len(f.words) > 0:
			fmt.Fprintf(&b, " -x -a '%s'", strings.Join(f.words, " "))
		case f.value:
			b.WriteString(" -r")
		}
		fmt.Fprintf(&b, " -d '%s'\n", quote.Replace(f.help))
	}
	for _, c := range m.commands {
		fmt.Fprintf(&b, "complete -c dsql -f -n __fish_use_subcommand -a %s -d '%s'\n", c.name, quote.Replace(c.help))
		when := "__fish_seen_subcommand_from " + c.name
		for _, f := range c.flags {
			add(when, f)
		}
		if c.words != nil {
			fmt.Fprintf(&b, "complete -c dsql -f -n '%s' -a '%s'\n", when, strings.Join(c.words, " "))
		}
	}
	for _, f := range m.flags {
		add("true", f)
	}
	return b.String()
}
