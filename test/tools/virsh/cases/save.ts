import { type Case, NO_DOMAIN } from './case.ts';

const ok = async () => {};
const CANNOT = /^Operation not supported: /;
const NO_IMAGE = 'Requested operation is not valid: domain does not have managed save image';
const xml = async () => '<domain><name>test</name></domain>';

/** A domain's state in files. */
export const saving: Readonly<Record<string, Case>> = {
  save: {
    table: ['save test /s', "\nDomain 'test' saved to /s\n"],
    json: [undefined, { message: "Domain 'test' saved to /s", domain: 'test', file: '/s' }],
    error: ['save test /s', "Failed to save domain 'test' to /s", CANNOT],
    answers: { domainSaveFlags: ok },
  },
  restore: {
    table: ['restore /s', 'Domain restored from /s\n'],
    json: [undefined, { message: 'Domain restored from /s', file: '/s' }],
    error: ['restore /s', 'Failed to restore domain from /s', CANNOT],
    answers: { domainRestoreFlags: ok },
  },
  'save-image-dumpxml': {
    table: ['save-image-dumpxml /s --xpath //name', '<name>test</name>\n'],
    json: ['save-image-dumpxml /s', { xml: '<domain><name>test</name></domain>' }],
    error: ['save-image-dumpxml /s', CANNOT],
    answers: { domainSaveImageGetXmlDesc: xml },
  },
  'save-image-define': {
    table: ['save-image-define /s DIR/new.xml', 'State file /s updated.\n'],
    json: [undefined, { message: 'State file /s updated.', file: '/s' }],
    error: ['save-image-define /s DIR/new.xml', 'Failed to update /s', CANNOT],
    answers: { domainSaveImageDefineXml: ok },
  },
  'save-image-edit': {
    table: ['save-image-edit /s', 'Saved image /s XML configuration not changed.\n'],
    json: [undefined, (value: { changed: boolean }) => value.changed === false],
    error: ['save-image-edit /s', CANNOT],
    answers: { domainSaveImageGetXmlDesc: xml },
  },
  managedsave: {
    table: ['managedsave test', "\nDomain 'test' state saved by libvirt\n"],
    json: [undefined, { message: "Domain 'test' state saved by libvirt", domain: 'test' }],
    error: ['managedsave test', "Failed to save domain 'test' state", CANNOT],
    answers: { domainManagedSave: ok },
  },
  'managedsave-remove': {
    table: ['managedsave-remove test', "Removed managedsave image for domain 'test'"],
    json: [undefined, { message: "Removed managedsave image for domain 'test'", removed: true }],
    error: ['managedsave-remove nope', NO_DOMAIN],
    answers: { domainHasManagedSaveImage: async () => true, domainManagedSaveRemove: ok },
  },
  'managedsave-dumpxml': {
    table: ['managedsave-dumpxml test --xpath //name', '<name>test</name>\n'],
    json: [undefined, { xpath: '//name', nodes: ['<name>test</name>'] }],
    error: ['managedsave-dumpxml test', NO_IMAGE],
    answers: { domainManagedSaveGetXmlDesc: xml },
  },
  'managedsave-edit': {
    table: ['managedsave-edit test', "Managed save image of domain 'test' XML configuration not changed.\n"],
    json: [
      undefined,
      { message: "Managed save image of domain 'test' XML configuration not changed.", changed: false },
    ],
    error: ['managedsave-edit test', NO_IMAGE],
    answers: { domainManagedSaveGetXmlDesc: xml },
  },
  dump: {
    table: ['dump test /d', "\nDomain 'test' dumped to /d\n"],
    json: [undefined, { message: "Domain 'test' dumped to /d", domain: 'test', file: '/d' }],
    error: ['dump test /d --format elf', '--format only works with --memory-only'],
    answers: { domainCoreDumpWithFormat: ok },
  },
};
