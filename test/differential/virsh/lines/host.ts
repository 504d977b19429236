import type { Lines } from '../verdict.ts';

/** Lines about the host. */
export const lines: Lines = {
  same: `
    freecell x
    freecell --cellno 0 --all
    freecell --all
    freecell --cellno 1
    freecell
    freecell 0
    hostname
    maxvcpus
    maxvcpus --type test
    nodecpustats --cpu x
    nodememstats --cell x
    uri
    version
    version --daemon
    nodesuspend mem 60
    nodesuspend odd 60
    nodesuspend mem 1
    freepages
    allocpages 4k 1
    cpu-models odd
    cpu-baseline DIR/new.xml
    cpu-compare DIR/new.xml
    hypervisor-cpu-baseline DIR/new.xml
    hypervisor-cpu-compare DIR/new.xml
    nodesevinfo
    nodedev-info nope
    iface-list
    iface-list --all
    iface-name nope
  `,
  words: `
    domcapabilities --virttype xen
    domcapabilities --arch z80
    domcapabilities --machine frob
    domcapabilities --emulatorbin /nope
    freecell 99
    node-memory-tune
  `,
  values: `
    nodecpumap
    nodecpumap --pretty
    nodeinfo
  `,
  document: `
    sysinfo
  `,
  more: `
    domcapabilities
    nodememstats
    nodememstats --cell 0
    cpu-models riscv64
    nodedev-list
    nodedev-list --tree
    secret-list
    nwfilter-list
  `,
  less: `
    freepages --all
    cpu-models x86_64
  `,
  unsupported: `
    freecell -1
    nodememstats --cell 99
  `,
  own: [
    ['capabilities', 'another machine'],
    ['maxvcpus --type xen', 'ours knows which types of domains it has'],
    ['maxvcpus --type qemu', 'ours knows which types of domains it has'],
    ['nodecpustats', 'the host of our world does nothing, and says so of a CPU it has not'],
    ['nodecpustats 0', 'the host of our world does nothing, and says so of a CPU it has not'],
    ['nodecpustats --cpu 1', 'the host of our world does nothing, and says so of a CPU it has not'],
    ['nodecpustats --cpu 99', 'the host of our world does nothing, and says so of a CPU it has not'],
  ],
};
