import type { Lines } from '../verdict.ts';

/** Lines about vCPUs, memory, devices and texts of domains. */
export const lines: Lines = {
  same: `
    vcpucount test
    vcpucount test --maximum
    vcpucount test --active
    vcpucount test --live
    vcpucount test --config
    vcpucount test --current
    vcpucount test --maximum --config
    vcpucount test --maximum --live
    vcpucount test --active --live
    vcpucount test --live --config
    vcpucount test --live --current
    vcpucount test --maximum --active
    destroy test; vcpucount test
    destroy test; vcpucount test --live
    destroy test; vcpucount test --active --live
    vcpupin test 9
    vcpupin test 0 0-1
    vcpupin test 0 0-1,^1; vcpupin test 0
    vcpupin test 0 r
    vcpupin test 0 x
    vcpupin test 0 ''
    vcpupin test x
    vcpupin test --cpulist 0
    vcpupin test -1 0
    setvcpus test 1
    setvcpus test 1; vcpucount test
    setvcpus test 0
    setvcpus test -1
    setvcpus test x
    setvcpus test 1 --config; vcpucount test
    setvcpus test 4 --maximum --config; vcpucount test
    setvcpus test 4 --maximum
    setvcpus test 4 --maximum --live
    setvcpus test 1 --live --current
    setvcpus test
    destroy test; setvcpus test 1
    destroy test; setvcpus test 1 --live
    setmem test 1048576
    setmem test 1G --config
    setmem test 100G
    setmem test x
    setmem test 1X
    setmem test -1
    setmem test 0
    setmem test --kilobytes 1000
    setmem test 1 --live --current
    setmem test 99999999999999999999
    destroy test; setmem test 1G
    destroy test; setmem test 1G --live
    setmaxmem test 4G
    destroy test; setmaxmem test 4G
    destroy test; setmaxmem test 4G --config
    destroy test; setmaxmem test 0
    destroy test; setmaxmem test x
    destroy test; setmaxmem test --kilobytes 4194304
    setmaxmem test 4G --live
    schedinfo test
    schedinfo test --set nope=1
    schedinfo test --cap 100
    schedinfo test --set weight
    schedinfo test --set weight=x
    destroy test; schedinfo test
    attach-device test /nope
    attach-device test
    attach-disk test /x vdb --print-xml
    attach-disk test /x vdb --print-xml --targetbus virtio --driver qemu --subdriver raw --cache none --io native --type disk --mode readonly --serial s1 --alias ua-x
    attach-disk test /dev/sda vdb --print-xml
    attach-disk test /x vdb --print-xml --sourcetype block
    attach-disk test /x hdc --print-xml --type cdrom
    attach-disk test /x fda --print-xml --type floppy
    attach-disk test /x vdb --print-xml --type odd
    attach-disk test /x vdb --mode odd
    attach-disk test /x vdb --print-xml --mode shareable
    attach-disk test /x vdb --sourcetype odd
    attach-disk test /x vdb --print-xml --iothread 1 --wwn 5000c50015ea71ad --rawio --address pci:0000.00.11.0 --multifunction
    attach-disk test /x vdb --print-xml --address virtio:1
    attach-disk test /x sda --print-xml --address scsi:0.0.0
    attach-disk test /x vdb --print-xml --address odd:1
    attach-disk test /x vdb --print-xml --address pci:x
    attach-disk test vol vdb --print-xml --sourcetype network --source-protocol nbd --source-host-name h:10809
    attach-disk test vol vdb --print-xml --sourcetype network --source-protocol nbd --source-host-transport unix --source-host-socket /s
    attach-disk test /x
    attach-disk test /x vdb --live --current
    attach-disk nope /x vdb
    attach-disk nope /x vdb --print-xml
    detach-disk test vdq
    attach-interface test network default --print-xml
    attach-interface test bridge br0 --print-xml --inbound 1,2,3 --outbound 4
    attach-interface test bridge br0 --print-xml --inbound 1,2,3,4
    attach-interface test bridge br0 --print-xml --inbound x
    attach-interface test direct eth0 --print-xml
    attach-interface test hostdev 0000:00:19.0 --print-xml --managed
    attach-interface test odd x
    detach-interface test bridge
    detach-interface test network --mac 00:00:00:00:00:00
    blockresize test vda x
    blockresize test vda 1G --capacity
    desc test
    desc test --title
    desc test some words
    desc test some words; desc test
    desc test --title some words; desc test --title
    desc test --config; desc test
    desc test --new-desc x --config; desc test; desc test --config
    desc test ''
    desc test x; desc test ''; desc test
    desc nope
    desc test --live --current
    desc test --edit
    metadata test urn:x
    metadata test urn:x --key k --set '<a/>'
    metadata test urn:x --key k --set '<a/>' --config
    metadata test urn:x --set '<a/>'
    metadata test urn:x --key k --set '<a/>'; metadata test urn:x --remove; metadata test urn:x
    metadata test urn:x --remove --edit
    metadata test urn:x --key k --set '<a/>' --remove
    metadata test
    dumpxml test --xpath /domain/name
    dumpxml test --xpath /domain/name --wrap
    dumpxml test --xpath //disk/source/@file
    dumpxml test --xpath //nope
    dumpxml test --xpath 'count(//disk)'
    dumpxml test --xpath '//source'
    dumpxml nope
  `,
  words: `
    vcpucount test --guest
    vcpupin test 9 0
    destroy test; vcpupin test 0 0 --live
    setvcpus test 3
    setvcpus test 99
    setvcpus test 1 --guest
    setvcpus test 1 --hotpluggable
    destroy test; setvcpus test 4 --config
    attach-device test DIR/bad.xml
    detach-device test DIR/disk.xml
    detach-device test DIR/disk.xml --config
    update-device test DIR/disk.xml
    detach-device-alias test nope
    detach-device-alias test nope --config
    blockresize test vda 1G
    blockresize test vdq 1G
  `,
  xml: `
    attach-interface test
  `,
  values: `
    vcpuinfo test
    vcpuinfo test --pretty
    destroy test; vcpuinfo test
    vcpupin test
    vcpupin test --vcpu 1
    vcpupin test 1
    vcpupin test 0 0-1; vcpupin test
    destroy test; vcpupin test
    schedinfo test --set weight=100
    schedinfo test --set weight=100; schedinfo test
    schedinfo test --weight 100
  `,
  document: `
    attach-disk test '' hdc --print-xml --type cdrom
    dumpxml test --xpath '//target' --wrap
    dumpxml test --wrap
  `,
  more: `
    schedinfo test --config
    schedinfo test --set weight=1 --live
    attach-device test DIR/disk.xml
    attach-device test DIR/disk.xml --config
    attach-disk test /x vdb
    attach-disk test /x vdb --config
    detach-disk test vda
    detach-disk test vda --config
    attach-interface test network default
    attach-interface test network default --config
    detach-interface test network
    detach-interface test network --config
  `,
  unsupported: `
    vcpupin test 0 999
    attach-interface test network
  `,
  own: [
    [
      'setmem test 1048576; dominfo test',
      'nothing confines domains of ours, and CPU time that was not spent is not shown',
    ],
    ['detach-disk test vda --print-xml', 'the disks of our world have a driver and sit on another bus'],
    ['detach-disk test /guest/diskimage1 --print-xml', 'the disks of our world have a driver and sit on another bus'],
    [
      'attach-interface test network default --print-xml --mac 52:54:00:00:00:01 --model virtio --target vnet7 --alias ua-n --script /s --source-mode x',
      'virsh 9.0 knows no mode of <source>, which its own manual tells of; ours takes any',
    ],
    [
      'attach-interface test direct eth0 --print-xml --source-mode bridge',
      'virsh 9.0 knows no mode of <source>, which its own manual tells of; ours takes any',
    ],
    [
      'attach-interface test user x --print-xml',
      'a network without privileges needs no source; virsh has no word for it',
    ],
    [
      'detach-interface test network --mac aa:bb:cc:dd:ee:ff --print-xml',
      "the interface of our world has an address of QEMU's range, and a model",
    ],
    [
      "metadata test urn:x --key k --set '<a/>'; metadata test urn:x",
      "ours shows the element in its namespace, as QEMU's driver does",
    ],
    ['metadata test urn:x --remove', "as QEMU's driver: what is not there cannot be removed"],
    [
      "dumpxml test --xpath '///'",
      'an expression that cannot be read is an error of ours; virsh goes on as if it had found nothing',
    ],
  ],
};
