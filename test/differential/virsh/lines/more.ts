import type { Lines } from '../verdict.ts';

/** Lines about limits, saving, guests, host objects. */
export const lines: Lines = {
  same: `
    memtune test --hard-limit x
    memtune test --hard_limit 1000
    memtune test --min-guarantee 1
    memtune test --live --current
    destroy test; memtune test
    blkiotune test --weight x
    numatune test --mode odd
    blkdeviotune test
    domiftune test testnet0 --inbound x
    domiftune test testnet0 --outbound 1,2,3,4
    domiftune test nope
    cpu-stats test --count x
    destroy test; cpu-stats test --total
    emulatorpin test 0-1; emulatorpin test
    emulatorpin test x
    emulatorpin test --live --current
    iothreadinfo test --config
    destroy test; iothreadinfo test
    set-lifecycle-action test odd x
    set-lifecycle-action test poweroff odd
    set-lifecycle-action test poweroff restart --live --config; dumpxml test --xpath //on_poweroff
    set-lifecycle-action test crash coredump-destroy
    set-lifecycle-action nope reboot destroy
    domhostname test --source odd
    domhostname nope
    dompmsuspend test odd
    dompmsuspend test disk --duration x
    dompmsuspend nope mem
    domfstrim test --minimum x
    set-user-password test '' b
    guestinfo nope
    guestvcpus test --enable
    guestvcpus test --cpulist 1 --enable --disable
    guestvcpus test --cpulist 1
    guestvcpus test --cpulist 1 --enable
    inject-nmi nope
    domjobinfo test --keep-completed
    domtime test --now --time 3
    domtime test --sync --time 3
    dommemstat test --period -1
    save test ''
    save nope DIR/s
    managedsave-remove test
    managedsave-define test DIR/new.xml
    managedsave nope
    dump nope DIR/d
    change-media test hdc --eject --insert
    change-media test hdc --eject --block
    change-media test hdc
    change-media test hdc --insert
    change-media test vda /x
    change-media nope hdc --eject
    define DIR/cd.xml; change-media cd hdc /new --insert
    define DIR/cd.xml; change-media cd hdd --eject
    create DIR/vnc.xml; domdisplay screens
    create DIR/vnc.xml; domdisplay screens --all
    create DIR/vnc.xml; domdisplay screens --include-password
    create DIR/vnc.xml; domdisplay screens --all --include-password
    create DIR/vnc.xml; domdisplay screens --type spice
    create DIR/vnc.xml; domdisplay screens --type rdp
    create DIR/vnc.xml; vncdisplay screens
    define DIR/vnc.xml; vncdisplay screens
    blockjob test vda --abort --info
    blockjob test vda --abort --bytes
    blockjob test vda --info --bandwidth 1
    blockjob test vda 10
    blockpull test vda --base x
    blockcommit test vda --wait
    blockpull nope vda
    blockpull test
    domblkthreshold test vda 1
    domblkthreshold test vda x
    domdirtyrate-calc test
    send-process-signal test 1 frob
    send-process-signal test x 1
    send-process-signal test
    setvcpu test 1
    setvcpu test 1 --enable --disable
    iothreadadd test x
    iothreaddel test x
    iothreadpin test x 0
    get-user-sshkeys test u
    guest-agent-timeout test
    migrate-setspeed test 1
    migrate-getspeed test
    migrate-setmaxdowntime test 1
    migrate-getmaxdowntime test
    migrate-postcopy test
    migrate test
    iface-list
    iface-list --all
    iface-list --inactive
    iface-mac eth1
    iface-mac aa:bb:cc:dd:ee:ff
    iface-name aa:bb:cc:dd:ee:ff
    iface-name eth1
    iface-name nope
    iface-dumpxml eth1 --xpath //mac
    iface-define /nope
    nodedev-list --cap odd
    nodedev-list --tree --cap net
    nodedev-list --tree --inactive
    nodedev-info nope
    nodedev-dumpxml nope
    nodedev-detach computer
    nodedev-detach nope
    nodedev-reattach computer
    nodedev-reattach nope
    nodedev-reset computer
    secret-define /nope
    nwfilter-define /nope
    cpu-models
    cpu-baseline /nope
    cpu-compare DIR/new.xml
    hypervisor-cpu-baseline
    hypervisor-cpu-baseline DIR/cpu.xml --model x
    domxml-from-native qemu-argv /nope
    domxml-to-native qemu-argv /nope
    domxml-to-native qemu-argv --xml DIR/new.xml --domain test
    domxml-to-native qemu-argv
    node-memory-tune --shm-pages-to-scan 1
    node-memory-tune --shm-pages-to-scan x
    freepages 0
    freepages --all --cellno 0
    freepages x
    allocpages x 1
    allocpages 2M x
    allocpages 2M 1 --all --cellno 1
    nodesuspend mem x
    nodesuspend mem
    find-storage-pool-sources netfs /nope
    net-port-list default
    net-port-list nope
    attach-disk test /x vdb --print-xml --address scsi:0.0.0
    attach-disk test /x vdb --print-xml --address ccw:fe.0.1234
    attach-disk test /x vdb --print-xml --address pci:1.2.3.4
    attach-disk test /x sda --print-xml --address usb:1.2
    attach-disk test /x sda --print-xml --address pci:0.0.1.0
    attach-disk test /x hda --print-xml --address ide:0.1.0
    attach-disk test /x hda --print-xml --address scsi:0.1.0
    attach-disk test /x xda --print-xml --address ide:0.1.0
    attach-disk test /x vdb --print-xml --address pci:0000.00.zz.0
    attach-disk test /x vdb --print-xml --source-protocol nbd
    attach-disk test /x vdb --print-xml --source-host-name h
    attach-disk test /x vdb --print-xml --sourcetype network
    attach-disk test /x vdb --print-xml --sourcetype volume
    attach-disk test /x vdb --print-xml --wwn zz
    attach-disk test /x vdb --print-xml --current --persistent
    attach-disk test /dev/null vdb --print-xml
    attach-interface test hostdev zz --print-xml
    attach-interface test hostdev 1.2.3.4 --print-xml
    attach-interface test network default --print-xml --managed
    attach-interface test bridge br0 --print-xml --script /s --target vnet1 --model virtio --alias ua-1 --mac 52:54:00:00:00:01
    attach-interface test network default --print-xml --inbound 1,2,3,4,5
    attach-interface test network default --print-xml --inbound ,2
    attach-interface test network default --print-xml --outbound 1,2,3,4
    attach-interface test network default --print-xml --inbound 1 --outbound 2,3,4
    net-define DIR/net.xml; net-define DIR/net.xml
    net-define DIR/net.xml; net-create DIR/net.xml
    net-create DIR/netdef.xml
    net-create DIR/netxx.xml
    pool-define DIR/pool.xml; pool-define DIR/pool.xml
    pool-create DIR/pooldef.xml
    define DIR/renamed.xml
    create DIR/renamed.xml
    net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"; net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"
    net-update default add dns-host "<host ip='192.168.122.5'><hostname>x</hostname></host>"; net-update default add dns-host "<host ip='192.168.122.5'><hostname>x</hostname></host>"
    net-update default delete dns-host "<host ip='192.168.122.6'><hostname>y</hostname></host>"
    net-update default add ip-dhcp-range "<range start='192.168.122.2' end='192.168.122.254'/>"
    net-update default delete ip-dhcp-range "<range start='192.168.122.2' end='192.168.122.24'/>"
    pool-list --type dir,odd
    pool-list --type ''
    pool-list --uuid --name --all
    pool-define-as p2 rbd --source-host h --source-name pool --auth-type ceph --auth-username u --secret-usage s --print-xml
    pool-define-as p2 scsi --adapter-wwnn 1 --adapter-wwpn 2 --adapter-parent-wwnn 3 --adapter-parent-wwpn 4 --print-xml
    pool-define-as p2 scsi --adapter-name h --adapter-wwnn 1 --adapter-wwpn 2 --print-xml
    pool-define-as p2 iscsi --auth-type chap --auth-username u --secret-usage s --secret-uuid x --print-xml
    pool-define-as p2 dir --source-host h --source-initiator i --source-name n --source-format f --source-path p --source-dev d --source-protocol-ver 3 --adapter-name a --target t --print-xml
    pool-define-as '' dir
    vol-create-as default-pool v1 1M; vol-info nope default-pool
    destroy test; emulatorpin test 0-3
  `,
  words: `
    blkiotune test --device-weights x
    numatune test --mode 7
    blkdeviotune test vdq
    dompmsuspend test hybrid
    domjobabort test --postcopy
    managedsave-dumpxml test
    blockjob test vda --abort
    iface-mac nope
    iface-dumpxml nope
    iface-destroy nope
    secret-define DIR/new.xml
    nwfilter-define DIR/new.xml
    cpu-baseline DIR/cpu.xml
    cpu-compare DIR/cpu.xml
    hypervisor-cpu-compare DIR/cpu.xml
    hypervisor-cpu-baseline DIR/cpu.xml
    domxml-from-native qemu-argv DIR/new.xml
    domxml-to-native qemu-argv --domain test
    domxml-to-native qemu-argv --xml DIR/new.xml
    find-storage-pool-sources-as x
  `,
  xml: `
    blkdeviotune test vda --read_bytes_sec x
    restore /nope
  `,
  values: `
    destroy test; emulatorpin test 0-3; emulatorpin test
    nodedev-info computer
  `,
  document: `
    define DIR/cd.xml; change-media cd hdc --eject --print-xml --config
    define DIR/cd.xml; change-media cd hdc /new --print-xml
    define DIR/cd.xml; change-media cd hdd /x --insert --print-xml
    define DIR/cd.xml; change-media cd hdd /x --insert --print-xml --block
    define DIR/cd.xml; change-media cd /iso --eject --print-xml
    iface-dumpxml eth1
    nodedev-dumpxml computer
  `,
  more: `
    blockjob test vda
    blockjob test vda --raw
    nodedev-list
    secret-list
    nwfilter-list
    vol-create-as default-pool v1 1M; vol-resize v1 --capacity -1 --pool default-pool --shrink
  `,
  less: `
    memtune test --hard-limit 1G
    blkiotune test --weight 300
    numatune test --nodeset 0
    blkdeviotune test vda --group-name x
    domiftune test testnet0 --inbound 1,2,3
    set-lifecycle-action test reboot rename-restart
  `,
  unsupported: `
    cpu-stats test --start 99
    emulatorpin test 99
    cpu-baseline DIR/bad.xml
  `,
  own: [
    ['numatune test --mode strict', 'that is what it is already'],
    ['destroy test; vcpupin test 0 0', "as QEMU's driver: a definition can be pinned"],
    ['destroy test; vcpupin test 0 0; vcpupin test', "as QEMU's driver: a definition can be pinned"],
  ],
};
