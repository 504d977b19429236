# Work that is about processes, files and pipes rather than computing, for the guest's busybox shell. Each part prints
# "@ NAME" when it begins; the last line is "@ end". Whole paths make the shell execute a program instead of a built-in.
set -e
mkdir -p /tmp/work
cd /tmp/work

echo '@ fork'
i=0
while [ $i -lt 600 ]; do
    (exit 0)
    i=$((i + 1))
done

echo '@ execute'
i=0
while [ $i -lt 250 ]; do
    /bin/true
    i=$((i + 1))
done

echo '@ substitute'
i=0
sum=0
while [ $i -lt 250 ]; do
    sum=$((sum + $(/bin/expr $i % 7 + 1)))
    i=$((i + 1))
done
[ $sum -eq 995 ]

echo '@ pipe'
i=0
while [ $i -lt 30 ]; do
    lines=$(seq 1 400 | sed 's/1/one /g' | tr 'a-z' 'A-Z' | grep ONE | sort -r | uniq | wc -l)
    i=$((i + 1))
done
[ $lines -eq 157 ]

echo '@ tree'
for d in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
    mkdir -p tree/$d
    for f in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
        echo "file $d$f" > tree/$d/$f
    done
done

echo '@ find'
for i in 1 2 3 4 5; do
    find / -xdev -type f -name '*e*' > list
    find tree -type f -exec grep -l 7 {} + > list
    find /sys/devices -name '*o*' > list
done

echo '@ tar'
for i in 1 2 3 4 5; do
    tar -cf all.tar tree /bin/busybox
    rm -rf out
    mkdir out
    tar -xf all.tar -C out
    cmp /bin/busybox out/bin/busybox
done

echo '@ end'
