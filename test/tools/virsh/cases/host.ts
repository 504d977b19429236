import type { Case } from './case.ts';

/** The host. */
export const host: Readonly<Record<string, Case>> = {
  capabilities: {
    table: ['capabilities', /^<capabilities>[\s\S]*<arch name='riscv64'>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</capabilities>')],
    error: ['capabilities x', "unexpected data 'x'"],
  },
  domcapabilities: {
    table: ['domcapabilities', /^<domainCapabilities>[\s\S]*<arch>riscv64<\/arch>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</domainCapabilities>')],
    error: ['domcapabilities --arch z80', 'failed to get emulator capabilities', /z80/],
  },
  freecell: {
    table: ['freecell', /^Total: \d+ KiB\n$/],
    json: [undefined, (value: { totalKib: number }) => value.totalKib > 0],
    error: ['freecell 99', /cell/],
  },
  hostname: {
    table: ['hostname', /^\S+\n$/],
    json: [undefined, (value: { hostname: string }) => value.hostname !== ''],
    error: ['hostname x', "unexpected data 'x'"],
  },
  maxvcpus: { table: ['maxvcpus', '32\n'], json: [undefined, { maxVcpus: 32 }], error: ['maxvcpus --type xen', /xen/] },
  nodecpumap: {
    table: ['nodecpumap', 'CPUs present:   16\nCPUs online:    16\nCPU map:        yyyyyyyyyyyyyyyy\n'],
    json: [undefined, { present: 16, online: 16, map: '0-15' }],
    error: ['nodecpumap x', "unexpected data 'x'"],
  },
  nodecpustats: {
    table: ['nodecpustats', /^user: +\d+\nsystem: +\d+\nidle: +\d+\n/],
    json: [undefined, (value: { user: number }) => value.user >= 0],
    error: ['nodecpustats --cpu 99', 'Unable to get node cpu stats', /99|cpu/i],
  },
  nodeinfo: {
    table: [
      'nodeinfo',
      'CPU model:           riscv64\nCPU(s):              16\nCPU frequency:       1400 MHz\nCPU socket(s):       2\nCore(s) per socket:  2\nThread(s) per core:  2\nNUMA cell(s):        2\nMemory size:         3145728 KiB\n',
    ],
    json: [
      undefined,
      { model: 'riscv64', cpus: 16, mhz: 1400, sockets: 2, cores: 2, threads: 2, nodes: 2, memoryKib: 3145728 },
    ],
    error: ['nodeinfo x', "unexpected data 'x'"],
  },
  nodememstats: {
    table: ['nodememstats', /^total {2}: +3145728 KiB\nfree {3}: +\d+ KiB\n/],
    json: [undefined, (value: { total: number }) => value.total === 3145728],
    error: ['nodememstats --cell 99', 'Unable to get node memory stats', /99|cell/i],
  },
  sysinfo: {
    table: ['sysinfo', /^<sysinfo type='smbios'>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</sysinfo>')],
    error: ['sysinfo x', "unexpected data 'x'"],
  },
  uri: {
    table: ['uri', 'test:///default\n'],
    json: [undefined, { uri: 'test:///default' }],
    error: ['uri x', "unexpected data 'x'"],
  },
  version: {
    table: [
      'version',
      /^Compiled against library: libvirt 9\.0\.0\nUsing library: libvirt 9\.0\.0\nUsing API: TEST 9\.0\.0\nRunning hypervisor: TEST \d/,
    ],
    json: [undefined, (value: { type: string }) => value.type === 'TEST'],
    error: ['version x', "unexpected data 'x'"],
  },
};
