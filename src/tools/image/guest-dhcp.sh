#!/bin/sh
# What udhcpc runs in the initramfs that `nodevisor image pull` makes: puts what it has learnt into effect.
case "$1" in
deconfig)
    ip addr flush dev "$interface" scope global
    ip link set "$interface" up
    ;;
bound | renew)
    ip addr flush dev "$interface" scope global
    ip addr add "$ip/${mask:-24}" dev "$interface"
    for address in $router; do
        ip route add default via "$address" dev "$interface" 2>/dev/null
    done
    : >/etc/resolv.conf
    [ -n "$domain" ] && echo "search $domain" >>/etc/resolv.conf
    for address in $dns; do
        echo "nameserver $address" >>/etc/resolv.conf
    done
    [ -n "$hostname" ] && hostname "$hostname"
    ;;
esac
exit 0
