package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// zsh completes on a terminal alone: keys are typed there, and the line that they give is read.
func TestZshCompletion(t *testing.T) {
	t.Parallel()
	zsh, err := exec.LookPath("zsh")
	if err != nil {
		t.Skip("no zsh to complete with")
	}
	dir, env := completionFolder(t)
	put(t, filepath.Join(dir, "y", "zsh"), completionScript(t, "zsh"))
	c := exec.Command(zsh, "-f", "-i")
	c.Dir, c.Env = dir, append(env, "ZDOTDIR="+dir)
	k := talkTo(t, c)
	k.write("PS1='ready> '; autoload -Uz compinit; compinit -u -D; source y/zsh; unsetopt list_beep; print loa''ded\r")
	k.expect("\nloaded")
	k.expect("ready> ")
	for _, x := range []struct{ keys, want string }{
		{"dsql quer\t", "query"},
		{"dsql run my\t", "script.sql"},
		{"dsql run data\tq", "data\aq"}, // no script
		{"dsql query 1 --output mark\t", "markdown"},
		{"dsql query 1 --output=mark\t", "markdown"},
		{"dsql history pl\t", "planes"},
		{"dsql explain my\\ script.sql leg\t_\t", "legs_in"},
		{"dsql run --dr\t", "--dry-run"},
		{"dsql run --db fi\t", "file.duckdb"},
		{"dsql c\t", "Print the completion script"},
	} {
		k.write(x.keys)
		k.expect(x.want)
		k.write("\x15print nex''t\r") // the line goes, and zsh says when it is ready again
		k.expect("next\r\n")
		k.expect("ready> ")
	}
	k.write("exit\r")
	for range k.said {
	}
	_ = k.c.Wait() // zsh ends as the line before did
}
