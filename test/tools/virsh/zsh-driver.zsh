# Completes a line in an interactive zsh on a pseudo-terminal of its own, and prints what is offered, a word a line.
# Arguments: a directory with the script (_nodevisor) and the program, the line. Writes $1/offers; `.` ends it.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=''; stty -echo; cd $1; path=($1 \$path); autoload -U compinit && compinit -u -D; fpath=($1 \$fpath)"
# What the script offers is written down on its way to the line editor.
zpty -w shell "compadd() { local -a found; builtin compadd -O found \"\$@\"; print -rl -- \$found >> offers; builtin compadd \"\$@\" }"
zpty -w shell "offers() { _nodevisor; print . >> offers }; autoload -U _nodevisor; compdef offers nodevisor; print ready-\$((1+1))"
zpty -r shell line '*ready-2*'
zpty -w -n shell "nodevisor $2"$'\t'
for ((i = 0; i < 100; i++)); do
  grep -qx '\.' $1/offers 2>/dev/null && break
  sleep 0.1
done
zpty -d shell
cat $1/offers
