import type { Lines } from '../verdict.ts';

/** Lines about volumes and snapshots. */
export const lines: Lines = {
  same: `
    vol-create-as default-pool v1 1M; vol-info v1 default-pool
    vol-create-as default-pool v1 1M; vol-info v1 --pool default-pool --bytes
    vol-create-as default-pool v1 1M; vol-info /default-pool/v1
    vol-create default-pool DIR/vol.xml; vol-list default-pool --details
    vol-list default-pool
    vol-list default-pool --details
    vol-list nope
    vol-list
    vol-create default-pool DIR/vol.xml
    vol-create default-pool DIR/vol.xml; vol-list default-pool
    vol-create default-pool /nope
    vol-create nope DIR/vol.xml
    pool-destroy default-pool; vol-create default-pool DIR/vol.xml
    vol-create-as default-pool v1 1M
    vol-create-as default-pool v1 1M --format raw
    vol-create-as default-pool v1 1M --format qcow2 --print-xml
    vol-create-as default-pool v1 1M --allocation 512K --print-xml
    vol-create-as default-pool v1 1024 --print-xml
    vol-create-as default-pool v1 x
    vol-create-as default-pool v1 1M --allocation x
    vol-create-as default-pool v1 -1
    vol-create-as default-pool v1
    vol-create-as default-pool v1 1M; vol-create-as default-pool v2 1M --backing-vol v1 --backing-vol-format raw --print-xml
    vol-create-as default-pool v1 1M --backing-vol nope --print-xml
    vol-create-as default-pool 'a b' 1M; vol-list default-pool
    vol-create-as default-pool v1 0; vol-info v1 default-pool
    vol-create-as default-pool v1 1M; vol-info v1
    vol-create-as default-pool v1 1M; vol-info nope default-pool
    vol-info nope
    vol-info nope nopool
    vol-info
    vol-create-as default-pool v1 1M; pool-destroy default-pool; vol-info v1 default-pool
    vol-create-as default-pool v1 1M; pool-destroy default-pool; vol-info /default-pool/v1
    vol-create-as default-pool v1 1M; pool-define-as p2 dir --target /p2; pool-start p2; vol-info v1 p2
    vol-create-as default-pool v1 1M; pool-define-as p2 dir --target /p2; pool-start p2; vol-info /default-pool/v1 p2
    vol-create-as default-pool v1 1M; vol-path v1 default-pool
    vol-create-as default-pool v1 1M; vol-key v1 default-pool
    vol-create-as default-pool v1 1M; vol-name /default-pool/v1
    vol-create-as default-pool v1 1M; vol-name v1
    vol-create-as default-pool v1 1M; vol-pool /default-pool/v1
    vol-create-as default-pool v1 1M; vol-pool /default-pool/v1 --uuid
    vol-create-as default-pool v1 1M; vol-pool v1
    vol-path nope
    vol-key nope
    vol-name nope
    vol-pool nope
    vol-create-as default-pool v1 1M; vol-dumpxml v1 default-pool --xpath //name
    vol-create-as default-pool v1 1M; vol-delete v1 default-pool; vol-list default-pool
    vol-delete nope default-pool
    vol-delete nope
    vol-create-as default-pool v1 1M; vol-clone v1 v2 default-pool
    vol-create-as default-pool v1 1M; vol-clone /default-pool/v1 v2
    vol-clone nope v2 default-pool
    vol-create-as default-pool v1 1M; vol-create-from default-pool DIR/vol.xml v1
    vol-create-as default-pool v1 1M; vol-create-from default-pool DIR/vol.xml v1 --inputpool default-pool
    vol-create-as default-pool v1 1M; vol-create-from default-pool DIR/bad.xml v1
    vol-create-from default-pool DIR/vol.xml nope
    vol-create-from default-pool /nope nope
    vol-create-as default-pool v1 1M; vol-resize v1 --capacity -512K --pool default-pool
    vol-create-as default-pool v1 1M; vol-resize v1 x default-pool
    vol-resize nope 1M default-pool
    vol-create-as default-pool v1 1M; vol-wipe v1 default-pool --algorithm odd
    vol-wipe nope default-pool
    vol-create-as default-pool v1 1M; vol-upload v1 DIR/data default-pool --offset x
    vol-create-as default-pool v1 1M; vol-upload v1 DIR/data default-pool --offset -1
    vol-create-as default-pool v1 1M; vol-download v1 DIR/back default-pool --length x
    vol-upload nope DIR/data default-pool
    vol-download nope DIR/data2 default-pool
    snapshot-list test
    snapshot-list test --name
    snapshot-list test --parent
    snapshot-list test --roots
    snapshot-list test --tree
    snapshot-list test --tree --parent
    snapshot-list test --tree --name
    snapshot-list test --roots --parent
    snapshot-list test --roots --tree
    snapshot-list test --roots --from x
    snapshot-list test --from x
    snapshot-list test --from x --descendants
    snapshot-list test --current
    snapshot-list test --descendants
    snapshot-list test --leaves
    snapshot-list test --no-leaves
    snapshot-list test --metadata
    snapshot-list test --no-metadata
    snapshot-list test --inactive --active --disk-only --internal --external
    snapshot-list test --topological
    snapshot-list nope
    snapshot-create test /nope
    snapshot-current test
    snapshot-current test --name
    snapshot-current test --security-info
    snapshot-parent test x
    snapshot-parent test --current
    snapshot-info test x
    snapshot-info test --current
    snapshot-info test
    snapshot-revert test x
    snapshot-revert test
    snapshot-delete test x
    snapshot-delete test
    snapshot-dumpxml test x
    snapshot-dumpxml test
    snapshot-edit test x
    snapshot-edit test
    snapshot-create-as test s1 --print-xml
    snapshot-create-as test s1 'd & e' --diskspec vda,snapshot=external,file=/x --print-xml
    snapshot-create-as test s1 --diskspec vda,odd=1 --print-xml
    snapshot-create-as test s1 --diskspec vda,snapshot=no --diskspec vdb --print-xml
    snapshot-create-as test s1 --diskspec vda,driver=qcow2,stype=block,file=/dev/x --print-xml
    snapshot-create-as test s1 --memspec /mem --print-xml
    snapshot-create-as test s1 --memspec file=/mem,snapshot=external --print-xml
    snapshot-create-as test s1 --memspec odd=1 --print-xml
    snapshot-create-as test s1 --disk-only --print-xml
  `,
  words: `
    pool-destroy default-pool; vol-list default-pool
    vol-create default-pool DIR/vol.xml; vol-create default-pool DIR/vol.xml
    vol-create-as default-pool v1 1M --format odd
    vol-create-as default-pool v1 999999999G
    vol-create-as default-pool v1 1M; vol-create-as default-pool v1 1M
    vol-create-as default-pool v1 1M; vol-delete v1 default-pool --delete-snapshots
    vol-create-as default-pool v1 1M; vol-clone v1 v1 default-pool
    vol-create-as default-pool v1 1M; vol-resize v1 512K default-pool
    vol-create-as default-pool v1 1M; vol-wipe v1 default-pool --algorithm dod
    snapshot-create test --redefine
  `,
  xml: `
    vol-create default-pool DIR/bad.xml
    vol-create default-pool DIR/vol.xml --validate
  `,
  document: `
    vol-create-as default-pool v1 1M; vol-dumpxml v1 default-pool
    snapshot-create-as test --print-xml
  `,
  more: `
    vol-create default-pool DIR/vol.xml --prealloc-metadata
    vol-create-as default-pool v1 1M; vol-info v1 --pool default-pool --physical
    vol-create-as default-pool v1 1M; vol-clone v1 v2 default-pool --reflink
    vol-create-as default-pool v1 1M; vol-resize v1 512K default-pool --shrink
    vol-create-as default-pool v1 1M; vol-resize v1 1M default-pool --delta
    vol-create-as default-pool v1 1M; vol-resize v1 --capacity -512K --pool default-pool --delta --shrink
    vol-create-as default-pool v1 1M; vol-resize v1 2M default-pool --allocate
    vol-create-as default-pool v1 1M; vol-wipe v1 default-pool
    vol-create-as default-pool v1 1M; vol-wipe v1 default-pool --algorithm zero
    vol-create-as default-pool v1 1M; vol-upload v1 DIR/data default-pool
    vol-create-as default-pool v1 1M; vol-upload v1 DIR/data default-pool --offset 10 --length 3
    vol-create-as default-pool v1 1M; vol-download v1 DIR/back default-pool
  `,
  less: `
    snapshot-create test
    snapshot-create-as test s1
    snapshot-create-as test s1; snapshot-info test s1
    snapshot-create-as test s1; snapshot-info test --current
    snapshot-create-as test s1; snapshot-dumpxml test s1
    snapshot-create-as test s1; snapshot-current test
    snapshot-create-as test s1; snapshot-current test --name
    snapshot-create-as test s1; snapshot-create-as test s2; snapshot-current test s1; snapshot-current test --name
    snapshot-create-as test s1; snapshot-create-as test s2; snapshot-parent test s2
    snapshot-create-as test s1; snapshot-create-as test s2; snapshot-parent test --current
    snapshot-create-as test s1; snapshot-revert test s1
    snapshot-create-as test s1; snapshot-revert test --current
    snapshot-create-as test s1; snapshot-delete test s1
    snapshot-create-as test s1; snapshot-delete test --current
    snapshot-create-as test s1; snapshot-delete test s1 --children
    snapshot-create-as test s1; snapshot-edit test s1
    snapshot-create-as test s1 --halt --live
  `,
  unsupported: `
    vol-create-as default-pool v1 1M; vol-upload v1 /nope default-pool
    vol-create-as default-pool v1 1M; vol-download v1 /nope/x default-pool
    snapshot-create test DIR/bad.xml
    snapshot-create-as test s1; snapshot-info test
    snapshot-create-as test s1; snapshot-parent test s1
    snapshot-create-as test s1; snapshot-parent test
    snapshot-create-as test s1; snapshot-delete test s1 --children --children-only
    snapshot-create-as test s1; snapshot-create-as test s1
    snapshot-create test --current
  `,
  own: [
    [
      'vol-create-as default-pool v1 1M; vol-clone v1 v2 default-pool --print-xml',
      'what is of the old volume alone is left out',
    ],
    [
      'vol-create-as default-pool v1 1M; vol-resize v1 2M default-pool; vol-info v1 default-pool',
      'a volume of ours takes no space before it is written',
    ],
    ['snapshot-create-as test s1; snapshot-list test', 'our test world has no snapshots'],
    [
      'snapshot-create-as test s1; snapshot-create-as test s2; snapshot-list test --tree',
      'our test world has no snapshots',
    ],
    [
      'snapshot-create-as test s1; snapshot-create-as test s2; snapshot-list test --parent',
      'our test world has no snapshots',
    ],
    [
      'snapshot-create-as test s1; snapshot-create-as test s2; snapshot-list test --roots',
      'our test world has no snapshots',
    ],
    [
      'snapshot-create-as test s1; snapshot-create-as test s2; snapshot-list test --leaves --name',
      'our test world has no snapshots',
    ],
  ],
};
