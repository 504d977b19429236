import type { Lines } from '../verdict.ts';

/** Lines about what domains do. */
export const lines: Lines = {
  same: `
    event --list
    domblklist test
    domblklist test --details
    domblklist test --inactive
    domblklist nope
    destroy test; domblklist test
    domblkinfo test
    domblkinfo test vdq
    domblkinfo test vda --all
    destroy test; domblkerror test
    domifstat test vnet9
    destroy test; domifstat test testnet0
    domstats --perf --enforce
    domifstat test
    domif-getlink test testnet0
    domif-getlink test 52:54:00:dd:ee:00
    domif-getlink test vnet9
    domif-getlink test
    domif-getlink test testnet0 --config
    domif-getlink test testnet0 --persistent
    domif-setlink test testnet0 odd
    domif-setlink test vnet9 up
    domifaddr test --interface vnet9
    domifaddr test --source odd
    destroy test; domifaddr test
    dommemstat test --period x
    dommemstat test --live --current
    destroy test; dommemstat test
    domcontrol test
    destroy test; domcontrol test
    domtime test --pretty
    domtime test --time x
    domtime test --now --sync
    destroy test; domtime test
    domstats --state nope
    domstats --state --list-inactive
    domdisplay test
    domdisplay test --include-password
    domdisplay test --type vnc
    domdisplay test --type odd
    domdisplay test --all
    destroy test; domdisplay test
    vncdisplay test
    destroy test; vncdisplay test
    iothreadinfo test
    emulatorpin test 0
    send-process-signal test 1 frob
    send-process-signal test x 1
    change-media test vda --eject
    change-media test hdc /x --insert
    memtune test
    blkdeviotune test vda
    blkiotune test
    numatune test
    domiftune test testnet0
    setvcpu test 1 --enable
    qemu-agent-command test x
    qemu-monitor-command test x
    blockpull test vda
    blockcommit test vda
    send-key test --codeset odd KEY_A
    send-key test KEY_NOPE
    send-key test 999999
    send-key test
    send-key test --holdtime x KEY_A
    event
    event --all --event lifecycle
    event odd
    event --event odd
    event --timeout x --all
    event --timeout 0 --all
  `,
  words: `
    domjobabort test
    guestinfo test
    dompmsuspend test mem
    dompmwakeup test
    guestvcpus test
    domxml-from-native qemu-argv DIR/new.xml
  `,
  values: `
    domifstat test testnet0
    domblkinfo test vda
    domblkinfo test vda --human
    domblkinfo test --all
    domblkinfo test --all --human
    destroy test; domblkinfo test vda
    domtime test
    domstats --state test
    domstats --state --raw test
    domstats --state test test
    emulatorpin test
    domifstat test testnet0
  `,
  more: `
    domblkstat test
    domif-setlink test testnet0 down
    domif-setlink test testnet0 down --config
    domjobinfo test
    domjobinfo test --completed
    domjobinfo test --rawstats
    blockjob test vda
  `,
  less: `
    domifaddr test --source agent
    domtime test --now
    domtime test --sync
    domtime test --time 100
    domtime test --pretty --now
    domhostname test
    cpu-stats test
    perf test
    domfsinfo test
    domfstrim test
    domfsfreeze test
    domfsthaw test
    set-user-password test a b
    send-key test KEY_A
    send-key test --codeset linux 30
  `,
  unsupported: `
    domblkstat test vdq
    destroy test; domblkstat test vda
    domxml-to-native qemu-argv test
    screenshot test /nope/x
  `,
  own: [
    ['domblkstat test vda', 'ours counts times and flushes too, the test driver errors'],
    ['domblkstat test vda --human', 'ours counts times and flushes too, the test driver errors'],
    ['domifstat test 52:54:00:dd:ee:ff', 'ours finds an interface by its address too, as the manual of virsh has it'],
    ['domblkerror test', 'no disk of ours has errors unless it had one'],
    ['domiflist test', "the interface of our world has an address of QEMU's range, and a model"],
    ['destroy test; domiflist test', "the interface of our world has an address of QEMU's range, and a model"],
    ['domiflist test --inactive', "the interface of our world has an address of QEMU's range, and a model"],
    ['domif-getlink test 52:54:00:dd:ee:ff', "the interface of our world has an address of QEMU's range, and a model"],
    [
      'domif-setlink test testnet0 down --print-xml',
      "the interface of our world has an address of QEMU's range, and a model",
    ],
    ['domifstat test 52:54:00:dd:ee:ff', 'ours finds an interface by its address as well'],
    ['domifaddr test', 'nobody has given the domain of our world an address'],
    ['domifaddr test --full', 'nobody has given the domain of our world an address'],
    ['domifaddr test --interface testnet0', 'nobody has given the domain of our world an address'],
    ['domifaddr test --source lease', 'nobody has given the domain of our world an address'],
    ['domifaddr test --source arp', 'nobody has given the domain of our world an address'],
    ['dommemstat test', 'without a balloon device only its size is known'],
    ['dommemstat test --period 3', 'without a balloon device only its size is known'],
    ['dommemstat test --period 3 --config', 'without a balloon device only its size is known'],
    ['domstats', 'our world has numbers of all that libvirt names, and only of that'],
    ['domstats test', 'our world has numbers of all that libvirt names, and only of that'],
    ['domstats --list-active test', 'our world has numbers of all that libvirt names, and only of that'],
    ['domstats --balloon test', 'our world has numbers of all that libvirt names, and only of that'],
    ['domstats --vcpu test', 'our world has numbers of all that libvirt names, and only of that'],
    ['domstats --block test', 'our world has numbers of all that libvirt names, and only of that'],
    ['domstats --interface test', 'our world has numbers of all that libvirt names, and only of that'],
    ['domstats --cpu-total test', 'our world has numbers of all that libvirt names, and only of that'],
    ['cpu-stats test --total', 'ours does not tell time in the kernel from the rest'],
    ['blkdeviotune test vda --total-bytes-sec 10', 'the test driver takes no burst for one that is too small'],
  ],
};
