import type { DomainRef, SnapshotRef } from '../../../../src/virt/index.ts';
import { type Case, NO_DOMAIN } from './case.ts';

const NO_SNAPSHOT = "Domain snapshot not found: no domain snapshot with matching name 'nope'";
const ok = async () => {};

/** Snapshots under each other: s1 has s2 and s4, s2 has s3. */
const parents: Readonly<Record<string, string | undefined>> = { s1: undefined, s2: 's1', s3: 's2', s4: 's1' };

function xmlOf(name: string): string {
  const parent = parents[name];
  const above = parent === undefined ? '' : `<parent><name>${parent}</name></parent>`;
  return `<domainsnapshot><name>${name}</name><state>running</state>${above}<creationTime>86400</creationTime></domainsnapshot>`;
}

function refs(domain: DomainRef, names: readonly string[]): SnapshotRef[] {
  return names.map((name) => ({ name, domain }));
}

function below(name: string, flags: number): string[] {
  const children = Object.keys(parents).filter((one) => parents[one] === name);
  return (flags & 1) === 0 ? children : children.flatMap((one) => [one, ...below(one, flags)]);
}

const answers: NonNullable<Case['answers']> = {
  domainListAllSnapshots: async (domain) => refs(domain, Object.keys(parents)),
  domainSnapshotListAllChildren: async ({ name, domain }, flags) => refs(domain, below(name, flags)),
  domainSnapshotNumChildren: async ({ name }, flags) => below(name, flags).length,
  domainSnapshotLookupByName: async (domain, name) => ({ name, domain }),
  domainSnapshotGetXmlDesc: async ({ name }) => xmlOf(name),
  domainSnapshotCreateXml: async (domain) => ({ name: 's1', domain }),
  domainHasCurrentSnapshot: async () => true,
  domainSnapshotCurrent: async (domain) => ({ name: 's3', domain }),
  domainSnapshotIsCurrent: async ({ name }) => name === 's3',
  domainSnapshotHasMetadata: async () => true,
  domainRevertToSnapshot: ok,
  domainSnapshotDelete: ok,
};

const CANNOT = /^Operation not supported: /;
const NEITHER = '--snapshotname or --current is required';

/** Snapshots. */
export const snapshots: Readonly<Record<string, Case>> = {
  'snapshot-list': {
    table: ['snapshot-list test --tree', 's1\n  |\n  +- s2\n  |   |\n  |   +- s3\n  |     \n  +- s4\n    \n'],
    json: ['snapshot-list test --from s1 --descendants --name', ['s2', 's3', 's4']],
    error: ['snapshot-list test --tree --name', 'Options --tree and --name are mutually exclusive'],
    answers,
  },
  'snapshot-create': {
    table: ['snapshot-create test', 'Domain snapshot s1 created'],
    json: [undefined, { message: 'Domain snapshot s1 created', domain: 'test', snapshot: 's1' }],
    error: ['snapshot-create test', CANNOT],
    answers,
  },
  'snapshot-create-as': {
    table: [
      "snapshot-create-as test s1 'a & b' --memspec file=/m,snapshot=external --diskspec vda,snapshot=external,file=/x --print-xml",
      "<domainsnapshot>\n  <name>s1</name>\n  <description>a &amp; b</description>\n  <memory snapshot='external' file='/m'/>\n  <disks>\n    <disk name='vda' snapshot='external'>\n      <source file='/x'/>\n    </disk>\n  </disks>\n</domainsnapshot>\n\n",
    ],
    json: [undefined, (value: { xml: string }) => value.xml.startsWith('<domainsnapshot>')],
    error: ['snapshot-create-as test s1 --memspec odd=1', 'unable to parse memspec: odd=1'],
  },
  'snapshot-current': {
    table: ['snapshot-current test --name', 's3'],
    json: ['snapshot-current test s2', { message: 'Snapshot s2 set as current', snapshot: 's2' }],
    error: ['snapshot-current test', "domain 'test' has no current snapshot"],
    answers,
  },
  'snapshot-delete': {
    table: ['snapshot-delete test s2 --children', 'Domain snapshot s2 deleted\n'],
    json: ['snapshot-delete test --current', { message: 'Domain snapshot s3 deleted', snapshot: 's3' }],
    error: ['snapshot-delete test', NEITHER],
    answers,
  },
  'snapshot-dumpxml': {
    table: ['snapshot-dumpxml test s2 --xpath //parent/name --wrap', '<nodes>\n  <name>s1</name>\n</nodes>\n'],
    json: ['snapshot-dumpxml test s2', { xml: xmlOf('s2') }],
    error: ['snapshot-dumpxml test nope', NO_SNAPSHOT],
    answers,
  },
  'snapshot-edit': {
    table: ['snapshot-edit test s2', 'Snapshot s2 XML configuration not changed.\n'],
    json: [undefined, (value: { changed: boolean }) => value.changed === false],
    error: ['snapshot-edit test', NEITHER],
    answers,
  },
  'snapshot-info': {
    table: [
      'snapshot-info test s1',
      'Name:           s1\nDomain:         test\nCurrent:        no\nState:          running\nLocation:       internal\nParent:         -\nChildren:       2\nDescendants:    3\nMetadata:       yes\n',
    ],
    json: [
      'snapshot-info test --current',
      {
        name: 's3',
        domain: 'test',
        current: true,
        state: 'running',
        location: 'internal',
        parent: 's2',
        children: 0,
        descendants: 0,
        metadata: true,
        created: '1970-01-02T00:00:00.000Z',
      },
    ],
    error: ['snapshot-info test nope', NO_SNAPSHOT],
    answers,
  },
  'snapshot-parent': {
    table: ['snapshot-parent test s3', 's2'],
    json: ['snapshot-parent test --current', { parent: 's2' }],
    error: ['snapshot-parent nope s1', NO_DOMAIN],
    answers,
  },
  'snapshot-revert': {
    table: ['snapshot-revert test s2 --paused', 'Domain snapshot s2 reverted\n'],
    json: ['snapshot-revert test --current', { message: 'Domain snapshot s3 reverted', snapshot: 's3' }],
    error: ['snapshot-revert test nope', NO_SNAPSHOT],
    answers,
  },
};
