/** Commands over libvirtd, in an order in which they make sense. A `_` in a word is a blank. */

/** Files in the directory of each daemon; `DIR` is that directory. */
export const files: Readonly<Record<string, string>> = {
  'iface.xml':
    "<interface type='ethernet' name='eth7'><start mode='none'/><mac address='aa:bb:cc:dd:ee:f7'/></interface>",
  'secret.xml': `<secret ephemeral='no' private='no'><uuid>0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f</uuid>
    <description>x</description><usage type='ceph'><name>client.admin secret</name></usage></secret>`,
  'checkpoint.xml': '<domaincheckpoint><name>cx</name></domaincheckpoint>',
  'filter.xml': "<filter name='mine' chain='root'><rule action='drop' direction='in'/></filter>",
  'binding.xml': '<filterbinding/>',
  'device.xml': "<device><parent>computer</parent><capability type='scsi_host'/></device>",
  'port.xml': '<networkport/>',
  'bad.xml': '<domain',
  'plain.txt': 'hello',
  'base64.txt': 'aGVsbG8=\n',
  'new.xml': '<domain type="qemu"><name>v</name></domain>',
  'copy.xml': "<disk type='file'><source file='DIR/pool/copy3.img'/><driver type='raw'/></disk>",
  'disk.xml':
    "<disk type='file' device='disk'><source file='DIR/pool/base.qcow2'/><target dev='vdz' bus='virtio'/></disk>",
  'none.txt': '\n',
  'v.xml': `<domain type='qemu'><name>v</name><uuid>11111111-2222-4333-8444-555555555555</uuid>
    <memory unit='MiB'>64</memory><vcpu>2</vcpu><iothreads>1</iothreads>
    <os><type arch='riscv64' machine='virt'>hvm</type></os><devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='DIR/pool/base.qcow2'/>
      <target dev='vda' bus='virtio'/></disk>
    <interface type='user'><mac address='52:54:00:11:22:33'/><rom enabled='no'/></interface><serial type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='virtio'/></devices></domain>`,
};

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Over libvirt's test driver. */
export const testStory = lines(`
  perf test
  perf test --enable mbmt
  iothreadinfo test
  iothreadadd test 3
  iothreadadd test 3
  iothreadadd test 0
  iothreadadd test -1
  iothreadadd test x
  iothreadadd test 4 --config
  iothreadadd nope 4
  iothreadinfo test
  iothreadpin test 3 0
  iothreadpin test 3 99
  iothreadinfo test
  iothreadset test 3
  iothreadset test 3 --poll-max-ns 5
  iothreadset test 9 --poll-grow 5
  iothreadset test 3 --thread-pool-min -1
  iothreaddel test 3
  iothreaddel test 3
  iothreaddel test 4 --config
  vcpupin test 0 0
  vcpupin test 0
  find-storage-pool-sources-as logical
  find-storage-pool-sources-as netfs host
  find-storage-pool-sources-as netfs host 3 iqn
  find-storage-pool-sources-as dir
  find-storage-pool-sources logical
  find-storage-pool-sources netfs DIR/none.xml
  iface-define DIR/iface.xml
  iface-define DIR/nope.xml
  iface-define DIR/bad.xml
  iface-list --all
  iface-start eth7
  iface-start eth7
  iface-destroy eth7
  iface-destroy aa:bb:cc:dd:ee:f7
  iface-undefine eth7
  iface-undefine eth7
  iface-begin
  iface-begin
  iface-define DIR/iface.xml
  iface-rollback
  iface-rollback
  iface-begin
  iface-commit
  iface-commit
  iface-list --all
  iface-dumpxml eth1
  iface-edit eth1
  nodedev-create DIR/device.xml
  nodedev-create DIR/nope.xml
  nodedev-define DIR/device.xml
  nodedev-destroy nope
  nodedev-destroy scsi_host1
  nodedev-destroy 1,2
  nodedev-autostart computer
  nodedev-autostart computer --disable
  nodedev-undefine computer
  nodedev-start computer
  nodedev-detach computer
  nodedev-detach computer --driver vfio
  nodedev-reattach computer
  nodedev-reset computer
  nodedev-event --list
  nodedev-event
  nodedev-event --event nope
  nodedev-event --event lifecycle --timeout 1
  secret-define DIR/secret.xml
  secret-dumpxml 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  secret-event --list
  checkpoint-create test DIR/checkpoint.xml
  checkpoint-create-as test c2
  checkpoint-create-as test c3 --print-xml --description d --diskspec vda,checkpoint=bitmap,bitmap=b
  checkpoint-create-as test c3 --quiesce
  checkpoint-list test
  checkpoint-list test --parent
  checkpoint-list test --tree
  checkpoint-list test --name
  checkpoint-list test --roots
  checkpoint-list test --leaves
  checkpoint-list test --no-leaves
  checkpoint-list test --topological --name
  checkpoint-list test --from cx
  checkpoint-list test --from cx --descendants --tree
  checkpoint-list test --tree --roots
  checkpoint-list test --descendants
  checkpoint-info test c2
  checkpoint-info test --checkpointname c2
  checkpoint-info test
  checkpoint-parent test --checkpointname c2
  checkpoint-parent test --checkpointname cx
  checkpoint-dumpxml test --checkpointname c2 --no-domain
  checkpoint-dumpxml test --checkpointname nope
  checkpoint-edit test --checkpointname c2
  checkpoint-delete test --checkpointname cx --children-only
  checkpoint-delete test --checkpointname cx
  checkpoint-delete test --checkpointname cx
  checkpoint-delete test
  backup-begin test
  backup-dumpxml test
  freepages
  freepages 0
  freepages -2 4
  freepages x 4
  allocpages 4 1
  allocpages 4
  nodesuspend mem 60
  nodesuspend odd 60
  nodesevinfo
  blockpull test vda
  blockpull test vda --base /x
  blockpull test vda --async
  blockcommit test vda
  blockcommit test vda --pivot --keep-overlay
  blockcommit test vda --async
  blockcopy test vda
  blockcopy test vda /x
  blockcopy test vda /x --format qcow2 --print-xml
  blockcopy test vda /x --blockdev --format raw --print-xml --granularity 1
  blockcopy test vda /x --xml /y
  blockcopy test vda /x --verbose
  blockjob test vda --bandwidth 3
  domblkthreshold test vda 1M
  domblkthreshold test vda x
  setvcpu test 1
  setvcpu test 1 --enable
  setvcpu test 1 --enable --disable
  guestvcpus test
  guestvcpus test --enable --cpulist 1
  domdirtyrate-calc test
  domdirtyrate-calc test --mode odd
  domlaunchsecinfo test
  domsetlaunchsecstate test
  domsetlaunchsecstate test --secrethdr DIR/plain.txt --secret DIR/plain.txt
  send-process-signal test 1 kill
  send-process-signal test 1 SIG_TERM
  send-process-signal test 1 rt3
  send-process-signal test 1 99
  send-process-signal test x kill
  send-process-signal test 1 odd
  qemu-monitor-command test x
  qemu-agent-command test x
  qemu-attach 1
  qemu-monitor-event --timeout 1
  guest-agent-timeout test
  guest-agent-timeout test --timeout 3
  get-user-sshkeys test root
  set-user-sshkeys test root --reset
  managedsave test
  managedsave-define test DIR/new.xml
  managedsave-edit test
  start test
  migrate-getspeed test
  migrate-setspeed test 3
  migrate-getmaxdowntime test
  migrate-setmaxdowntime test 0
  migrate-setmaxdowntime test 3
  migrate-compcache test
  migrate-compcache test --size 3
  migrate-postcopy test
  migrate test
  migrate test test:///default --live --offline
  node-memory-tune --shm-pages-to-scan 100
  net-port-list default
  net-port-create default DIR/port.xml
  net-port-dumpxml default 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  net-port-delete default nope
  nwfilter-define DIR/filter.xml
  nwfilter-dumpxml mine
  nwfilter-undefine mine
  nwfilter-binding-list
  nwfilter-binding-create DIR/binding.xml
  nwfilter-binding-dumpxml mine
  nwfilter-binding-delete mine
  event --list
`);

/** Over the driver of QEMU's: a machine that stands still, with disks that jobs can be done on. */
export const qemuStory = lines(`
  define DIR/v.xml
  iothreadadd v 5 --config
  iothreaddel v 5 --config
  start v --paused
  perf v
  perf v --enable mbmt
  perf v --enable odd
  perf v --config
  iothreadinfo v
  iothreadadd v 5
  iothreadadd v 5 --live
  iothreadadd v 6 --config
  iothreadinfo v
  iothreadpin v 1 0
  iothreadpin v 7 0
  iothreadset v 5 --poll-max-ns 1000
  iothreadset v 5 --poll-max-ns 1000 --config
  iothreaddel v 5
  iothreaddel v 9
  blockjob v vda
  blockjob v vda --raw
  snapshot-create-as v s1 --disk-only --no-metadata --diskspec vda,file=DIR/pool/o1.qcow2
  domblklist v
  blockpull v vda --wait --verbose
  blockjob v vda --info
  snapshot-create-as v s2 --disk-only --no-metadata --diskspec vda,file=DIR/pool/o2.qcow2
  blockcommit v vda --active --wait --verbose
  blockjob v vda
  blockjob v vda --raw
  blockjob v vda --bytes
  blockjob v vda --bandwidth 10
  blockjob v vda
  blockjob v vda --bandwidth 1000 --bytes
  blockjob v vda --pivot
  domblklist v
  blockjob v vda --abort
  snapshot-create-as v s3 --disk-only --no-metadata --diskspec vda,file=DIR/pool/o3.qcow2
  blockcommit v vda --pivot
  domblklist v
  snapshot-create-as v s4 --disk-only --no-metadata --diskspec vda,file=DIR/pool/o4.qcow2
  blockcommit v vda --keep-overlay --verbose
  blockcommit v vda --shallow
  blockcommit v vda --base /nope --active
  domblkthreshold v vda 1M
  domblkthreshold v vdz 1M
  blockcopy v vda DIR/pool/copy1.img --wait
  blockcopy v vda --xml DIR/nope.xml
  blockcopy v vda DIR/pool/copy1.img --wait --verbose --transient-job --format qcow2
  blockjob v vda
  blockjob v vda --abort
  blockcopy v vda DIR/pool/copy2.img --wait --finish --transient-job --format qcow2 --bandwidth 100
  blockcopy v vda --xml DIR/copy.xml --pivot --transient-job --granularity 65536 --buf-size 1048576
  domblklist v
  blockcopy v vda DIR/pool/copy5.img --transient-job --granularity 3
  domdirtyrate-calc v
  domdirtyrate-calc v --seconds 99
  domdirtyrate-calc v --mode dirty-ring
  domlaunchsecinfo v
  domsetlaunchsecstate v --secrethdr DIR/plain.txt --secret DIR/plain.txt --set-address 4096
  qemu-monitor-command v query-status
  qemu-monitor-command v {"execute":"query-status"}
  qemu-monitor-command v --hmp info status
  qemu-monitor-command v --hmp info_status
  qemu-monitor-command v --pretty query-status
  qemu-monitor-command v --return-value query-status
  qemu-monitor-command v --return-value --pretty query-name
  qemu-monitor-command v --return-value odd
  qemu-monitor-command v odd
  qemu-monitor-command v qom-get "path":"/machine" "property":"type"
  qemu-monitor-command v qom-get {"path":"/machine","property":"type"}
  qemu-monitor-command v qom-get path=machine
  qemu-monitor-command v --hmp --pretty query-status
  qemu-monitor-event --timeout 1
  qemu-monitor-event --domain nope
  qemu-attach 1
  qemu-agent-command v {"execute":"guest-ping"}
  qemu-agent-command v --timeout 0 x
  qemu-agent-command v --timeout 3 {"execute":"guest-ping"}
  qemu-agent-command v --block --async x
  guest-agent-timeout v
  guest-agent-timeout v --timeout 5
  guest-agent-timeout v --timeout -9
  get-user-sshkeys v root
  set-user-sshkeys v root --reset
  set-user-sshkeys v root DIR/plain.txt
  set-user-sshkeys v root DIR/nope.txt
  set-user-sshkeys v root --remove
  guestvcpus v
  guestvcpus v --enable --cpulist 1
  setvcpu v 1 --disable
  setvcpu v 1 --disable --config
  send-process-signal v 1 kill
  managedsave-define v DIR/new.xml
  managedsave-edit v
  migrate-getmaxdowntime v
  migrate-setmaxdowntime v 500
  migrate-getmaxdowntime v
  migrate-setmaxdowntime v 0
  migrate-getspeed v
  migrate-setspeed v 10
  migrate-getspeed v
  migrate-getspeed v --postcopy
  migrate-compcache v
  migrate-compcache v --size 1048576
  migrate-postcopy v
  migrate v
  migrate v qemu+unix:///session?socket=DIR/nope
  migrate v qemu+unix:///session?socket=DIR/run/libvirt-sock --offline
  migrate v qemu+unix:///session?socket=DIR/run/libvirt-sock --offline --persistent
  migrate v qemu+unix:///session?socket=DIR/run/libvirt-sock --live --unsafe
  migrate v qemu+unix:///session?socket=DIR/run/libvirt-sock --p2p --live --unsafe
  migrate v qemu+unix:///session?socket=DIR/run/libvirt-sock --p2p --tunnelled --live --unsafe
  migrate v tcp:127.0.0.1:1 --direct --live
  freepages 0 4
  freepages 0 4k
  freepages 0 4b
  freepages --all
  freepages 7 4
  allocpages 2M 1
  nodesuspend mem 60
  nodesevinfo
  find-storage-pool-sources dir
  find-storage-pool-sources-as netfs
  find-storage-pool-sources odd
  iface-begin
  iface-define DIR/iface.xml
  checkpoint-list v
  checkpoint-create-as v c1
  checkpoint-create-as v c2 --description d
  checkpoint-list v
  checkpoint-list v --tree
  checkpoint-list v --parent
  checkpoint-info v --checkpointname c1
  checkpoint-dumpxml v --checkpointname c2
  checkpoint-dumpxml v --checkpointname c2 --size --no-domain
  checkpoint-edit v --checkpointname c2
  checkpoint-delete v --checkpointname c2 --metadata
  checkpoint-delete v --checkpointname c1 --children
  backup-dumpxml v
  backup-begin v
  backup-begin v --backupxml DIR/bad.xml
  secret-define DIR/secret.xml
  secret-list
  secret-dumpxml 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  secret-dumpxml nope
  secret-get-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  secret-set-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  secret-set-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f --base64 aGVsbG8=
  secret-set-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f aGVsbG8=
  secret-get-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  secret-set-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f --file DIR/plain.txt --plain
  secret-get-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f --plain
  secret-set-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f --file DIR/base64.txt
  secret-get-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  secret-set-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f --file DIR/nope.txt
  secret-event --event lifecycle --timeout 1
  secret-undefine 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  secret-undefine 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  nwfilter-list
  nwfilter-define DIR/filter.xml
  nwfilter-dumpxml nope
  nwfilter-undefine 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f
  nwfilter-binding-list
  nwfilter-binding-create DIR/binding.xml
  nwfilter-binding-dumpxml nope
  nwfilter-binding-delete nope
  nodedev-autostart computer
  nodedev-autostart computer --disable
  nodedev-detach computer
  nodedev-reset computer
  nodedev-reattach computer
  nodedev-destroy computer
  nodedev-destroy 1,2
  nodedev-undefine computer
  nodedev-start computer
  nodedev-define DIR/bad.xml
  nodedev-create DIR/bad.xml
  node-memory-tune --shm-pages-to-scan 100
  destroy v
  blockpull v vda
  iothreadadd v 8
  iothreadadd v 9 --live
  iothreadinfo v
  vcpupin v 0 0
  vcpupin v 0
  vcpupin v 0 0 --live
  vcpupin v 0 0 --current
  emulatorpin v 0
  emulatorpin v 0 --live
  emulatorpin v
  attach-disk v DIR/pool/copy1.img vdb
  attach-disk v DIR/pool/copy1.img vdb
  attach-disk v DIR/pool/copy1.img vdc --live
  attach-disk v DIR/pool/copy1.img vdc --persistent
  detach-disk v vdb
  detach-disk v vdb
  detach-disk v vdc --live
  attach-interface v network default --mac 52:54:00:44:55:66
  attach-interface v network default --mac 52:54:00:44:55:66 --live
  detach-interface v network --mac 52:54:00:44:55:66
  detach-interface v network --mac 52:54:00:44:55:66
  attach-device v DIR/disk.xml
  detach-device v DIR/disk.xml
  attach-device v DIR/disk.xml --config
  detach-device v DIR/disk.xml --current
  update-device v DIR/disk.xml
  detach-device-alias v odd
  detach-interface v user
  setmem v 32M
  setmaxmem v 128M
  setvcpus v 1
  schedinfo v --set cpu_shares=5
  memtune v --hard-limit 100M
  blkiotune v --weight 200
  numatune v --nodeset 0
  blkdeviotune v vda --total-bytes-sec 5
  domiftune v 52:54:00:11:22:33
  domif-setlink v 52:54:00:11:22:33 down
  domif-getlink v 52:54:00:11:22:33
  change-media v vda --eject
  managedsave v
  suspend v
  desc v hello
  metadata v http://x
  domiflist v
  domblklist v
  set-lifecycle-action v crash preserve
  undefine v --checkpoints-metadata
`);
