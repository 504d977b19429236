import { type Case, NO_POOL, NO_VOLUME, V1 } from './case.ts';

/** Volumes. */
export const volumes: Readonly<Record<string, Case>> = {
  'vol-list': {
    table: [`${V1}vol-list default-pool`, ' Name   Path\n--------------------------\n v1     /default-pool/v1\n'],
    json: [undefined, [{ name: 'v1', path: '/default-pool/v1' }]],
    error: ['vol-list nope', ...NO_POOL],
  },
  'vol-create': {
    table: ['vol-create default-pool DIR/vol.xml', 'Vol v2 created from DIR/vol.xml\n'],
    json: [undefined, (value: { key: string }) => value.key === '/default-pool/v2'],
    error: ['vol-create default-pool DIR/bad.xml', 'Failed to create vol from DIR/bad.xml', /XML/],
  },
  'vol-create-as': {
    table: ['vol-create-as default-pool v1 1G --format raw', 'Vol v1 created\n'],
    json: [undefined, { message: 'Vol v1 created', volume: 'v1', key: '/default-pool/v1' }],
    error: [`${V1}vol-create-as default-pool v1 1G`, 'Failed to create vol v1', /v1/],
  },
  'vol-create-from': {
    table: [`${V1}vol-create-from default-pool DIR/vol.xml v1 default-pool`, 'Vol v2 created from input vol v1\n'],
    json: [undefined, (value: { volume: string }) => value.volume === 'v2'],
    error: [
      'vol-create-from default-pool DIR/vol.xml nope',
      "failed to get vol 'nope', specifying --inputpool might help",
      NO_VOLUME[1],
    ],
  },
  'vol-clone': {
    table: [`${V1}vol-clone v1 v2 default-pool`, 'Vol v2 cloned from v1\n'],
    json: [undefined, { message: 'Vol v2 cloned from v1', volume: 'v2', key: '/default-pool/v2' }],
    error: ['vol-clone nope v2 default-pool', "failed to get vol 'nope'", NO_VOLUME[1]],
  },
  'vol-delete': {
    table: [`${V1}vol-delete v1 default-pool`, 'Vol v1 deleted\n'],
    json: [undefined, { message: 'Vol v1 deleted', volume: 'v1' }],
    error: ['vol-delete nope default-pool', "failed to get vol 'nope'", NO_VOLUME[1]],
  },
  'vol-wipe': {
    table: [`${V1}vol-wipe v1 default-pool`, 'Vol v1 wiped\n'],
    json: [undefined, { message: 'Vol v1 wiped', volume: 'v1' }],
    error: [`${V1}vol-wipe v1 default-pool odd`, "Unsupported algorithm 'odd'"],
  },
  'vol-resize': {
    table: [`${V1}vol-resize v1 2M default-pool`, "Size of volume 'v1' successfully changed to 2M\n"],
    json: [undefined, (value: { volume: string }) => value.volume === 'v1'],
    error: [`${V1}vol-resize v1 --capacity -1M --pool default-pool`, 'negative size requires --shrink'],
  },
  'vol-info': {
    table: [
      `${V1}vol-info v1 default-pool`,
      /^Name: {11}v1\nType: {11}file\nCapacity: {7}1\.00 MiB\nAllocation: {5}\d+\.00 \w+\n$/,
    ],
    json: [undefined, (value: { capacity: number }) => value.capacity === 2 ** 20],
    error: ['vol-info nope', ...NO_VOLUME],
  },
  'vol-dumpxml': {
    table: [`${V1}vol-dumpxml v1 default-pool`, /^<volume type='file'>\n {2}<name>v1<\/name>/],
    json: [undefined, (value: { xml: string }) => value.xml.includes('</volume>')],
    error: ['vol-dumpxml nope', ...NO_VOLUME],
  },
  'vol-path': {
    table: [`${V1}vol-path v1 default-pool`, '/default-pool/v1\n'],
    json: [undefined, { path: '/default-pool/v1' }],
    error: ['vol-path nope', ...NO_VOLUME],
  },
  'vol-key': {
    table: [`${V1}vol-key v1 default-pool`, '/default-pool/v1\n'],
    json: [undefined, { key: '/default-pool/v1' }],
    error: ['vol-key nope', ...NO_VOLUME],
  },
  'vol-name': {
    table: [`${V1}vol-name /default-pool/v1`, 'v1\n'],
    json: [undefined, { name: 'v1' }],
    error: ['vol-name nope', "failed to get vol 'nope'", NO_VOLUME[1]],
  },
  'vol-pool': {
    table: [`${V1}vol-pool /default-pool/v1`, 'default-pool\n'],
    json: [undefined, { pool: 'default-pool' }],
    error: ['vol-pool nope', "failed to get vol 'nope'", NO_VOLUME[1]],
  },
  'vol-upload': {
    table: [`${V1}vol-upload v1 DIR/data default-pool`, ''],
    json: [undefined, (value: { bytes: number }) => value.bytes === 5],
    error: [`${V1}vol-upload v1 /nope default-pool`, 'cannot read /nope: No such file or directory'],
  },
  'vol-download': {
    table: [`${V1}vol-upload v1 DIR/data default-pool; vol-download v1 DIR/back default-pool --length 5`, ''],
    json: [undefined, (value: { bytes: number }) => value.bytes === 5],
    error: [`${V1}vol-download v1 /nope/x default-pool`, 'cannot create /nope/x: No such file or directory'],
  },
};
