# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion of fastzero for bash.  Commands and options are those of its own help.

_fastzero()
{
	local fastzero=${COMP_WORDS[0]} command=${COMP_WORDS[1]-}
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=''

	if [ "$COMP_CWORD" = 1 ]; then
		words="--help --version $("$fastzero" --help 2> /dev/null |
			sed -n 's/^  \([a-z]*\)  .*/\1/p')"
	elif [ "$before" = --mode ]; then
		words='auto inplace swap drop'
	elif [ "$before" = --pages ]; then
		words='auto 4k 2m'
	elif [ "$before" = --pid ]; then
		words=$("$fastzero" holders 2> /dev/null | awk '$1 + 0 { print $1 }' | sort -u)
	elif [[ $word == -* ]]; then
		words=$("$fastzero" "$command" --help 2> /dev/null | grep -oe '--[a-z][a-z-]*')
	elif [ "$command" = workset ] && [ "$COMP_CWORD" = 2 ]; then
		words='save load clear'
	fi
	# Else files, by -o default.
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _fastzero fastzero
