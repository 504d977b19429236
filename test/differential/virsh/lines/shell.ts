import type { Lines } from '../verdict.ts';

/** Lines about the command line and the shell itself. */
export const lines: Lines = {
  same: String.raw`
    list
    list --all
    list --frob
    list x
    list --name
    list --uuid
    list --id
    list --all --name --id
    list --all --uuid --name
    list --all --id --uuid --name
    list --all --title
    list --inactive
    list --transient
    list --persistent --all
    list --state-running
    list --state-paused
    list --state-shutoff
    list --autostart
    list --managed-save
    list --table --name
    destroy test; list --all
    destroy test; list --all --id
    destroy test; list --all --id --name
    destroy test; list --state-shutoff
    suspend test; list
    dominfo nope
    dominfo
    dominfo test x
    dominfo --domain
    dominfo --domain test --domain test
    dominfo --domain=
    dominfo ''
    dominfo --Domain test
    dominfo -x test
    dominfo - test
    dominfo --x=3 test
    dominfo --domain=test=x
    domstate test
    domstate test --reason=1
    domstate nope
    domid test
    domid 1
    domid nope
    destroy test; domid test
    domuuid test
    domuuid 1
    domuuid nope
    domuuid 6695eb01-f6a4-8304-79aa-97f2502e193f
    domname 1
    domname test
    domname 6695eb01-f6a4-8304-79aa-97f2502e193f
    domname 7
    frob
    frob; list
    list; frob
    list frob; list
    'list'
    "list" --all
    list --all # x
    echo a b
    echo --xml '<a & b>'
    echo --shell "it's"
    echo --shell 'a b'
    echo
    echo --split 'a b'
    echo --err a
    echo --str a
    echo --string a --string b
    echo a; ; echo b
    domstate test; domstate nope
    domstate nope; domstate test
    cd
    cd /
    cd /nope
    pwd x
    quit; list
    exit; list
    quit x
    uri
    hostname
    version
    version --daemon
    echo --split 'a,b,,c d'
    echo --shell --split 'a,b c'
    echo --shell ''
    echo --xml --shell 'a&b'
    echo --shell a b c
    echo --xml "<a>" b
    echo ''
    echo '' a
    echo --shell '~a' 'a=b' '-x' 'x*' 'a@b' 'a%b' 'a+b' 'a^b' 'a:b,c' 'ä'
    echo 'a\b'
    echo "a\"b"
    echo a\ b
    echo a'b c'd
    echo "a\nb"
    echo -- --x
    echo a#b
    echo # a
    echo a # b; list
  `,
  words: `
    connect test:///default --readonly; destroy test
  `,
  own: [
    ['dominfo test', 'nothing confines domains of ours, and CPU time that was not spent is not shown'],
    ['dominfo 1', 'nothing confines domains of ours, and CPU time that was not spent is not shown'],
    ['dominfo --domain=test', 'nothing confines domains of ours, and CPU time that was not spent is not shown'],
    ['domstate test --reason', 'the test driver forgets why a domain runs'],
    ["echo 'a", 'an open quote is a slip of the pen; virsh reads on to the end for one kind of quotes'],
  ],
};
