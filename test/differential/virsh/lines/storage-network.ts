import type { Lines } from '../verdict.ts';

/** Lines about networks and pools. */
export const lines: Lines = {
  same: `
    net-list
    net-list --all
    net-list --inactive
    net-list --name
    net-list --uuid
    net-list --uuid --name
    net-list --table
    net-list --autostart
    net-list --persistent
    net-list --transient
    net-destroy default; net-list --all
    net-destroy default; net-list
    net-info default
    net-info nope
    net-info dd8fe884-6c02-601e-7551-cca97df1c5df
    net-info
    net-destroy default; net-info default
    net-destroy default; net-start default
    net-start nope
    net-destroy nope
    net-destroy default; net-undefine default; net-list --all
    net-undefine nope
    net-autostart default
    net-autostart default --disable
    net-autostart default; net-info default
    net-autostart nope
    net-uuid default
    net-uuid nope
    net-uuid dd8fe884-6c02-601e-7551-cca97df1c5df
    net-name dd8fe884-6c02-601e-7551-cca97df1c5df
    net-name default
    net-name nope
    net-define DIR/net.xml
    net-define DIR/net.xml; net-list --all
    net-define DIR/net.xml; net-info other
    net-define /nope
    net-define DIR/net.xml --validate
    net-create DIR/net.xml; net-list
    net-create DIR/net.xml; net-create DIR/net.xml
    net-create DIR/net.xml; net-destroy other; net-list --all
    net-create /nope
    net-dumpxml nope
    net-dumpxml default --xpath //bridge/@name
    net-dhcp-leases nope
    net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"
    net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>" --live --config
    net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>" --config
    net-destroy default; net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"
    net-update default odd ip-dhcp-host x
    net-update default add odd x
    net-update default add ip-dhcp-host /nope
    net-update default delete ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"
    net-update default modify ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"
    net-update default add dns-host "<host ip='192.168.122.5'><hostname>x</hostname></host>"
    net-update default add ip-dhcp-range "<range start='192.168.122.2' end='192.168.122.4'/>"
    net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>" --parent-index 0
    net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>" --parent-index 9
    net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>" --parent-index x
    net-update default add
    net-update default add ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>" --live --current
    net-event --list
    net-event
    net-event --event odd
    net-event --all
    net-port-list default
    net-edit default
    net-edit nope
    pool-list
    pool-list --all
    pool-list --details
    pool-list --all --details
    pool-list --name
    pool-list --uuid
    pool-list --uuid --name
    pool-list --details --name
    pool-list --details --uuid
    pool-list --type dir
    pool-list --type logical
    pool-list --type odd
    pool-list --type dir,logical
    pool-list --inactive
    pool-list --transient
    pool-list --autostart
    pool-destroy default-pool; pool-list --all
    pool-destroy default-pool; pool-list --all --details
    pool-info default-pool
    pool-info default-pool --bytes
    pool-info nope
    pool-info dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566
    pool-destroy default-pool; pool-info default-pool
    pool-destroy default-pool; pool-start default-pool
    pool-destroy default-pool; pool-destroy default-pool
    pool-start nope
    pool-start default-pool --build --overwrite --no-overwrite
    pool-destroy nope
    pool-destroy default-pool; pool-undefine default-pool; pool-list --all
    pool-destroy default-pool; pool-delete default-pool
    pool-delete nope
    pool-destroy default-pool; pool-build default-pool
    pool-build nope
    pool-refresh default-pool
    pool-destroy default-pool; pool-refresh default-pool
    pool-refresh nope
    pool-autostart default-pool
    pool-autostart default-pool --disable
    pool-autostart default-pool; pool-info default-pool
    pool-uuid default-pool
    pool-uuid nope
    pool-uuid dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566
    pool-name dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566
    pool-name default-pool
    pool-name nope
    pool-define DIR/pool.xml
    pool-define DIR/pool.xml; pool-list --all
    pool-define DIR/pool.xml --validate
    pool-define /nope
    pool-create DIR/pool.xml
    pool-create DIR/pool.xml; pool-list
    pool-create DIR/pool.xml; pool-create DIR/pool.xml
    pool-create DIR/pool.xml --build --overwrite --no-overwrite
    pool-create /nope
    pool-create DIR/pool.xml; pool-autostart p2
    pool-create DIR/pool.xml; pool-destroy p2; pool-list --all
    pool-define-as p2 dir --target /p2
    pool-define-as p2 dir --target /p2 --print-xml
    pool-define-as p2 dir
    pool-define-as p2
    pool-define-as p2 netfs --source-host h --source-path /e --target /p2 --print-xml
    pool-define-as p2 logical --source-dev /dev/sdb --source-name vg --target /dev/vg --print-xml
    pool-define-as p2 fs --source-dev /dev/sdb --source-format ext4 --target /p2 --print-xml
    pool-define-as p2 dir - - - - /p2 --print-xml
    pool-define-as p2 iscsi --source-host h --source-dev iqn --target /dev/disk/by-path --auth-type chap --auth-username u --secret-usage s --print-xml
    pool-define-as p2 iscsi --source-host h --source-dev iqn --target /dev/disk/by-path --auth-type chap --auth-username u --secret-uuid 6695eb01-f6a4-8304-79aa-97f2502e193f --print-xml
    pool-define-as p2 scsi --adapter-name host5 --target /t --print-xml
    pool-define-as p2 scsi --adapter-wwnn 1 --adapter-wwpn 2 --adapter-parent p --target /t --print-xml
    pool-define-as p2 netfs --source-host h --source-path /e --source-protocol-ver 4 --target /p2 --print-xml
    pool-define-as p2 iscsi-direct --source-host h --source-dev iqn --source-initiator ini --print-xml
    pool-create-as p2 dir --target /p2
    pool-create-as p2 dir --target /p2; pool-list
    pool-create-as default-pool dir --target /p3
    pool-create-as p2 dir --target /p2 --print-xml
    pool-create-as p2 dir --target /p2 --build --overwrite --no-overwrite
    pool-dumpxml nope
    pool-event --list
    pool-event
    pool-event --event odd
    pool-edit default-pool
    pool-edit nope
  `,
  words: `
    net-start default
    net-define DIR/new.xml
    net-define DIR/noname.xml
    net-create DIR/net.xml; net-undefine other
    net-destroy default; net-dhcp-leases default
    pool-start default-pool
    pool-undefine default-pool
    pool-delete default-pool
    pool-build default-pool
    pool-define DIR/net.xml
    pool-create DIR/pool.xml; pool-undefine p2
    pool-define-as p2 odd --target /p2
    find-storage-pool-sources dir
    find-storage-pool-sources odd
  `,
  xml: `
    net-define DIR/bad.xml
    net-update default add ip-dhcp-host "<host"
    pool-define DIR/bad.xml
  `,
  document: `
    net-dumpxml default
    net-update default add-first ip-dhcp-host "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"; net-dumpxml default
    pool-dumpxml default-pool
  `,
  more: `
    net-dumpxml default --inactive
    net-dhcp-leases default
    net-dhcp-leases default --mac 52:54:00:00:00:01
    pool-destroy default-pool; pool-start default-pool --build
    pool-destroy default-pool; pool-build default-pool --overwrite
    pool-create DIR/pool.xml --build
    pool-create-as p2 dir --target /p2 --build
    pool-dumpxml default-pool --inactive
    pool-capabilities
  `,
  less: `
    net-create DIR/net.xml; net-autostart other
    find-storage-pool-sources logical
    find-storage-pool-sources-as netfs --host h
  `,
  unsupported: `
    pool-build default-pool --overwrite --no-overwrite
  `,
  own: [
    ['net-destroy default; net-destroy default', "as libvirt's network driver: what is not active cannot be stopped"],
    ['net-undefine default', "as libvirt's network driver: a running network becomes transient"],
    ['net-undefine default; net-list --all', "as libvirt's network driver: a running network becomes transient"],
  ],
};
