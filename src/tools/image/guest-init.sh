#!/bin/sh
# First program of the initramfs that `nodevisor image pull` makes, run by busybox. It sets the system up, loads drivers
# for the devices that are there, and then
#   nodevisor.run="COMMAND" on the kernel command line: runs COMMAND with sh and powers off with its exit status;
#   else: a shell on the console, and power-off when it ends.
export PATH=/bin:/sbin HOME=/root PS1='\w # '

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
hostname nodevisor

# What the kernel looks after by the clock, idle or not, on each CPU: statistics, fragmentation, and CPUs that seem to
# hang, which here only means that the host had something else to do. Together most of an idle guest's wake-ups.
for setting in vm/stat_interval=60 vm/compaction_proactiveness=0 kernel/watchdog=0; do
    file=/proc/sys/${setting%=*}
    [ -w "$file" ] && echo "${setting#*=}" >"$file"
done

# A power-off that tells the host how it went: the board's test device takes the status. Without it a plain power-off.
power_off() {
    sync
    if [ "$1" -ne 0 ]; then
        devmem 0x100000 32 $(($1 << 16 | 0x3333)) 2>/dev/null
    fi
    poweroff -f
}

modprobe virtio_mmio
for alias in /sys/bus/virtio/devices/*/modalias; do
    [ -e "$alias" ] && modprobe -q "$(cat "$alias")"
done

ip link set lo up
for interface in /sys/class/net/eth*; do
    [ -e "$interface" ] || continue
    interface=${interface##*/}
    ip link set "$interface" up
    udhcpc -i "$interface" -q -n -t 3 -T 1 -s /etc/udhcpc/default.script >/dev/null 2>&1
done

cmdline=$(cat /proc/cmdline)
command=$(echo "$cmdline" | sed -n 's/.*nodevisor\.run="\([^"]*\)".*/\1/p; t; s/.*nodevisor\.run=\([^ ]*\).*/\1/p')
if [ -n "$command" ]; then
    cd /root
    sh -c "$command"
    power_off $?
fi

cat <<BANNER

$(uname -srm), up $(cut -d' ' -f1 /proc/uptime) s, $(nproc) vCPU, $(free -m | sed -n 's/^Mem: *\([0-9]*\).*/\1/p') MiB
Disks: $(ls /sys/block | grep -v -e loop -e ram | tr '\n' ' ')
Network: $(ip -4 -o addr show scope global | sed 's/^[0-9]*: *\([^ ]*\) *inet \([^ ]*\).*/\1 \2/' | tr '\n' ' ')
A busybox shell. "mount /dev/vda /mnt" mounts a disk; "poweroff" or Ctrl-D ends the machine.

BANNER
cd /root
# What busybox's poweroff, halt and reboot send to the first program; a signal is served while it waits, not before.
trap 'power_off 0' USR1 USR2
trap 'sync; reboot -f' TERM
exec 3<&0
setsid cttyhack sh <&3 &
wait $!
power_off 0
