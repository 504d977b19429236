#!/bin/sh
# First program of the initramfs that `nodevisor image pull` makes, run by busybox. It sets the system up, loads drivers
# for the devices that are there, and then
#   nodevisor.run="COMMAND" on the kernel command line: runs COMMAND with sh and powers off with its exit status;
#   else: a shell on the console, and power-off when it ends.
export PATH=/bin:/sbin HOME=/root PS1='\w # '

# A process costs an emulated machine more than anything the shell can do by itself: hence mount -a, read, ${…}.
/bin/busybox --install -s /bin
mount -a 2>/dev/null
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
echo nodevisor >/proc/sys/kernel/hostname

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
aliases=
for file in /sys/bus/virtio/devices/*/modalias; do
    [ -e "$file" ] && read -r alias <"$file" && aliases="$aliases $alias"
done
[ -n "$aliases" ] && modprobe -a -q $aliases
# Units on SCSI become disks and drives behind modprobe's back.
if [ -d /sys/bus/scsi ]; then
    modprobe -a -q sd_mod sr_mod
    for unit in /sys/bus/scsi/devices/[0-9]*:*; do
        tries=50
        while [ -e "$unit/type" ] && [ ! -d "$unit/block" ] && [ $((tries -= 1)) -gt 0 ]; do sleep 0.1; done
    done
fi

ip link set lo up
for interface in /sys/class/net/eth*; do
    [ -e "$interface" ] || continue
    interface=${interface##*/}
    ip link set "$interface" up
    udhcpc -i "$interface" -q -n -t 3 -T 1 -s /etc/udhcpc/default.script >/dev/null 2>&1
done

read -r cmdline </proc/cmdline
case $cmdline in
*nodevisor.run=\"*\"*)
    command=${cmdline##*nodevisor.run=\"}
    command=${command%%\"*}
    ;;
*nodevisor.run=*)
    command=${cmdline##*nodevisor.run=}
    command=${command%% *}
    ;;
*) command= ;;
esac
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
