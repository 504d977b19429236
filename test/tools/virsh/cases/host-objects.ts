import { strict as assert } from 'node:assert';
import type { Backend } from '../../../../src/virt/index.ts';
import { type Case, UUID } from './case.ts';

const CPU = 'DIR/cpu.xml';
const NO_INTERFACE = ["failed to get interface 'nope'", /^Interface not found: /] as const;
const NO_DEVICE = ["Could not find matching device 'nope'", /^Node device not found: /] as const;
const NO_SECRET = [`failed to get secret '${UUID}'`, /^Secret not found: /] as const;
const NO_FILTER = ["failed to get nwfilter 'nope'", /^Network filter not found: /] as const;
const secretAnswers: Partial<Backend> = {
  secretLookupByUuid: async (uuid) => ({ uuid, usageType: 0, usageId: '' }),
};
const filterAnswers: Partial<Backend> = { nwfilterLookupByName: async (name) => ({ name, uuid: UUID }) };
const document = async () => '<cpu/>';
const configuration = async () => '-name test';

/** Interfaces, devices, secrets, filters and CPUs of the host. */
export const hostObjects: Readonly<Record<string, Case>> = {
  'iface-list': {
    table: [
      'iface-list',
      ' Name   State    MAC Address\n------------------------------------\n eth1   active   aa:bb:cc:dd:ee:ff\n',
    ],
    json: [undefined, [{ name: 'eth1', state: 'active', mac: 'aa:bb:cc:dd:ee:ff' }]],
    error: ['iface-list x', "unexpected data 'x'"],
  },
  'iface-dumpxml': {
    table: ['iface-dumpxml eth1 --xpath //mac/@address', ' address="aa:bb:cc:dd:ee:ff"\n'],
    json: ['iface-dumpxml eth1', (value: { xml: string }) => value.xml.includes("name='eth1'")],
    error: ['iface-dumpxml nope', ...NO_INTERFACE],
  },
  'iface-mac': {
    table: ['iface-mac eth1', 'aa:bb:cc:dd:ee:ff\n'],
    json: [undefined, { mac: 'aa:bb:cc:dd:ee:ff' }],
    error: ['iface-mac nope', ...NO_INTERFACE],
  },
  'iface-name': {
    table: ['iface-name aa:bb:cc:dd:ee:ff', 'eth1\n'],
    json: [undefined, { name: 'eth1' }],
    error: ['iface-name nope', NO_INTERFACE[0]],
  },
  'nodedev-list': {
    table: ['nodedev-list --tree', 'computer\n  |\n  +- net_eth1_aa_bb_cc_dd_ee_ff\n    \n'],
    json: ['nodedev-list', ['computer', 'net_eth1_aa_bb_cc_dd_ee_ff']],
    error: ['nodedev-list --cap odd', 'Invalid capability type'],
  },
  'nodedev-info': {
    table: [
      'nodedev-info computer',
      'Name:           computer\nParent:         \nActive:         yes\nPersistent:     no\nAutostart:      no\n',
    ],
    json: [undefined, { name: 'computer', parent: null, active: true, persistent: false, autostart: false }],
    error: ['nodedev-info nope', ...NO_DEVICE],
  },
  'nodedev-dumpxml': {
    table: ['nodedev-dumpxml computer', /^<device>\n {2}<name>computer<\/name>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</device>')],
    error: ['nodedev-dumpxml nope', ...NO_DEVICE],
  },
  'secret-list': {
    table: ['secret-list', ' UUID    Usage\n--------------------\n 1-2-3   ceph pool\n'],
    json: [undefined, [{ uuid: '1-2-3', usage: 'ceph pool' }]],
    error: ['secret-list x', "unexpected data 'x'"],
    answers: { connectListAllSecrets: async () => [{ uuid: '1-2-3', usageType: 2, usageId: 'pool' }] },
  },
  'nodedev-event': {
    table: ['nodedev-event --list', 'lifecycle\nupdate\n'],
    json: [undefined, ['lifecycle', 'update']],
    error: ['nodedev-event --event nope', 'unknown event type nope'],
  },
  'secret-event': {
    table: ['secret-event --list', 'lifecycle\nvalue-changed\n'],
    json: [undefined, ['lifecycle', 'value-changed']],
    error: ['secret-event', 'either --list or --event <type> is required'],
  },
  'secret-dumpxml': {
    table: [`secret-dumpxml ${UUID}`, "<secret ephemeral='no'/>\n"],
    json: [undefined, { xml: "<secret ephemeral='no'/>" }],
    error: [`secret-dumpxml ${UUID}`, ...NO_SECRET],
    answers: { ...secretAnswers, secretGetXmlDesc: async () => "<secret ephemeral='no'/>" },
  },
  'secret-get-value': {
    table: [`secret-get-value ${UUID}`, 'aGVsbG8='],
    json: [undefined, { base64: 'aGVsbG8=' }],
    error: [`secret-get-value ${UUID}`, ...NO_SECRET],
    answers: { ...secretAnswers, secretGetValue: async () => Buffer.from('hello') },
  },
  'secret-set-value': {
    table: [`secret-set-value ${UUID} --file DIR/data --plain`, 'Secret value set\n'],
    json: [undefined, { message: 'Secret value set', uuid: UUID }],
    error: [`secret-set-value nope`, "failed to get secret 'nope'", /^uuidstr in .* must be a valid UUID$/],
    answers: {
      ...secretAnswers,
      async secretSetValue(_secret, value) {
        assert.equal(String(value), 'hello');
      },
    },
  },
  'secret-undefine': {
    table: [`secret-undefine ${UUID}`, `Secret ${UUID} deleted\n`],
    json: [undefined, { message: `Secret ${UUID} deleted`, uuid: UUID }],
    error: [`secret-undefine ${UUID}`, ...NO_SECRET],
    answers: { ...secretAnswers, secretUndefine: async () => {} },
  },
  'nwfilter-dumpxml': {
    table: ['nwfilter-dumpxml f', '<filter/>\n'],
    json: [undefined, { xml: '<filter/>' }],
    error: ['nwfilter-dumpxml nope', ...NO_FILTER],
    answers: { ...filterAnswers, nwfilterGetXmlDesc: async () => '<filter/>' },
  },
  'nwfilter-edit': {
    table: ['nwfilter-edit f', 'Network filter f XML configuration not changed.\n'],
    json: [undefined, { message: 'Network filter f XML configuration not changed.', changed: false }],
    error: ['nwfilter-edit nope', ...NO_FILTER],
    answers: { ...filterAnswers, nwfilterGetXmlDesc: async () => '<filter/>' },
  },
  'nwfilter-undefine': {
    table: ['nwfilter-undefine f', 'Network filter f undefined\n'],
    json: [undefined, { message: 'Network filter f undefined', name: 'f' }],
    error: ['nwfilter-undefine nope', ...NO_FILTER],
    answers: { ...filterAnswers, nwfilterUndefine: async () => {} },
  },
  'iface-edit': {
    table: ['iface-edit eth1', 'Interface eth1 XML configuration not changed.\n'],
    json: [undefined, { message: 'Interface eth1 XML configuration not changed.', changed: false }],
    error: ['iface-edit nope', ...NO_INTERFACE],
    answers: { interfaceGetXmlDesc: async () => '<interface/>' },
  },
  'secret-define': {
    table: ['secret-define DIR/new.xml', 'Secret 1-2-3 created\n'],
    json: [undefined, { message: 'Secret 1-2-3 created', uuid: '1-2-3' }],
    error: ['secret-define DIR/new.xml', /^Failed to set attributes from /, /^Operation not supported: /],
    answers: { secretDefineXml: async () => ({ uuid: '1-2-3', usageType: 0, usageId: '' }) },
  },
  'nwfilter-list': {
    table: ['nwfilter-list', ' UUID    Name\n---------------\n 1-2-3   f\n'],
    json: [undefined, [{ uuid: '1-2-3', name: 'f' }]],
    error: ['nwfilter-list x', "unexpected data 'x'"],
    answers: { connectListAllNwfilters: async () => [{ name: 'f', uuid: '1-2-3' }] },
  },
  'nwfilter-define': {
    table: ['nwfilter-define DIR/new.xml', 'Network filter f defined from DIR/new.xml\n'],
    json: [undefined, (value: { name: string }) => value.name === 'f'],
    error: ['nwfilter-define DIR/new.xml', /^Failed to define network filter from /, /^Operation not supported: /],
    answers: { nwfilterDefineXml: async () => ({ name: 'f', uuid: '1-2-3' }) },
  },
  'cpu-models': {
    table: ['cpu-models riscv64', 'rv64\n'],
    json: [undefined, ['rv64']],
    error: ['cpu-models odd', 'failed to get CPU model names', 'invalid argument: cannot find architecture odd'],
  },
  'cpu-compare': {
    table: [`cpu-compare ${CPU}`, `Host CPU is a superset of CPU described in ${CPU}\n`],
    json: [undefined, (value: { result: string }) => value.result === 'superset'],
    error: [`cpu-compare ${CPU}`, `Failed to compare host CPU with ${CPU}`, /^this function is not supported/],
    answers: { connectCompareCpu: async () => 2 },
  },
  'cpu-baseline': {
    table: [`cpu-baseline ${CPU}`, '<cpu/>\n'],
    json: [undefined, { xml: '<cpu/>' }],
    error: ['cpu-baseline DIR/new.xml', /does not contain any <cpu> element/],
    answers: { connectBaselineCpu: document },
  },
  'hypervisor-cpu-compare': {
    table: [
      `hypervisor-cpu-compare ${CPU}`,
      `CPU described in ${CPU} is identical to the CPU provided by hypervisor on the host\n`,
    ],
    json: [undefined, (value: { result: string }) => value.result === 'identical'],
    error: [`hypervisor-cpu-compare ${CPU}`, /^Failed to compare hypervisor CPU/, /^this function is not supported/],
    answers: { connectCompareHypervisorCpu: async () => 1 },
  },
  'hypervisor-cpu-baseline': {
    table: ['hypervisor-cpu-baseline --model rv64', '<cpu/>\n'],
    json: [undefined, { xml: '<cpu/>' }],
    error: ['hypervisor-cpu-baseline', 'Either --file or --model must be provided'],
    answers: { connectBaselineHypervisorCpu: document },
  },
  'domxml-from-native': {
    table: ['domxml-from-native qemu-argv DIR/data', '<cpu/>\n'],
    json: [undefined, { xml: '<cpu/>' }],
    error: ['domxml-from-native qemu-argv DIR/data', 'invalid argument: unsupported config type qemu-argv'],
    answers: { connectDomainXmlFromNative: document },
  },
  'domxml-to-native': {
    table: ['domxml-to-native qemu-argv --domain test', '-name test\n'],
    json: [undefined, { xml: '-name test' }],
    error: ['domxml-to-native qemu-argv', 'need either domain or domain XML'],
    answers: { connectDomainXmlToNative: configuration },
  },
  'node-memory-tune': {
    table: ['node-memory-tune', 'Shared memory:\n\tshm_pages       7\n'],
    json: [undefined, { shm_pages: 7 }],
    error: ['node-memory-tune', 'Unable to get number of memory parameters', /^this function is not supported/],
    answers: { nodeGetMemoryParameters: async () => [{ field: 'shm_pages', type: 'uint', value: 7 }] },
  },
};
