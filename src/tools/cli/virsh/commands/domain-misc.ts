import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { VirtError } from '../../../../util/index.ts';
import { MetadataType } from '../../../../virt/index.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { editText } from '../editor.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { reasonOf } from '../files.ts';
import { keyCode } from '../keycodes.ts';
import { findDomain } from '../lookup.ts';
import { document, message, type Output } from '../output.ts';
import { affectOf, domainOption, readAffectOptions } from '../shared-options.ts';
import { timestamp } from '../units.ts';

const descCommand: CommandDef = {
  name: 'desc',
  summary: "show or set domain's description or title",
  options: [
    domainOption(),
    ...readAffectOptions,
    flag('title', 'modify/get the title instead of description'),
    flag('edit', 'open an editor to modify the description'),
    text('new-desc', 'message; several words are joined', { repeat: true, emptyOk: true }),
  ],
  async run(args, session) {
    const flags = affectOf(args);
    const title = args.flag('title');
    const type = title ? MetadataType.TITLE : MetadataType.DESCRIPTION;
    const what = title ? 'title' : 'description';
    const domain = await findDomain(args, session);
    const words = args.list('new-desc');
    const current = await domain.getMetadata(type, undefined, flags).catch((error: unknown) => {
      if (error instanceof VirtError && error.code === 'NO_DOMAIN_METADATA') return '';
      throw error;
    });
    if (words.length === 0 && !args.flag('edit')) {
      const none = `No ${what} for domain: ${domain.name}`;
      return { text: current === '' ? none : current, json: { [what]: current } };
    }
    const given = words.length > 0 ? words.join(' ') : current;
    const wanted = args.flag('edit') ? (await editText(given, '.txt', session)).replace(/\n+$/, '') : given;
    if (args.flag('edit') && wanted === current) return message(`Domain ${what} not changed`);
    if (title && wanted.includes('\n')) throw new UsageFailure("title can't contain newlines");
    await attempt(
      `Failed to set new domain ${what}`,
      domain.setMetadata(type, wanted === '' ? undefined : wanted, undefined, undefined, flags),
    );
    const said = `Domain ${what} updated successfully`;
    return { text: said, json: { message: said, [what]: wanted } };
  },
};

const metadataCommand: CommandDef = {
  name: 'metadata',
  summary: "show or set domain's custom XML metadata",
  options: [
    domainOption(),
    text('uri', 'URI of the namespace', { required: true }),
    ...readAffectOptions,
    flag('edit', 'use an editor to change the metadata'),
    text('key', 'key to be used as a namespace identifier'),
    text('set', 'new metadata to set'),
    flag('remove', 'remove the metadata corresponding to an uri'),
  ],
  async run(args, session) {
    const flags = affectOf(args);
    args.exclusive('edit', 'set');
    args.exclusive('remove', 'set');
    args.exclusive('remove', 'edit');
    const uri = args.need('uri');
    const given = args.text('set');
    const key = args.text('key');
    const domain = await findDomain(args, session);
    const read = () => domain.getMetadata(MetadataType.ELEMENT, uri, flags);
    if (args.flag('remove')) {
      await domain.setMetadata(MetadataType.ELEMENT, undefined, undefined, uri, flags);
      return message('Metadata removed', { uri });
    }
    if (given === undefined && !args.flag('edit')) return document(await read());
    if (key === undefined) throw new UsageFailure('namespace key is required when modifying metadata');
    const wanted = given ?? (await editText(await read(), '.xml', session));
    await domain.setMetadata(MetadataType.ELEMENT, wanted, key, uri, flags);
    return message('Metadata modified', { uri });
  },
};

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/x-portable-pixmap': '.ppm',
  'image/jpeg': '.jpg',
};

const screenshotCommand: CommandDef = {
  name: 'screenshot',
  summary: 'take a screenshot of a current domain console and store it into a file',
  options: [
    domainOption('active-domain'),
    text('file', 'where to store the screenshot', { complete: 'file' }),
    integer('screen', 'ID of a screen to take screenshot of'),
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const shot = domain.screenshot(args.number('screen') ?? 0);
    const { mime, stream } = await attempt(`could not take a screenshot of ${domain.name}`, shot);
    const now = timestamp(new Date()).slice(0, 19).replace(' ', '-');
    const file = args.text('file') ?? `${domain.name.replaceAll('/', '_')}-${now}${EXTENSIONS[mime] ?? ''}`;
    try {
      await pipeline(stream, createWriteStream(file));
    } catch (error) {
      throw new CommandFailure(`cannot create file ${file}: ${reasonOf(error)}`);
    }
    const said = `Screenshot saved to ${file}, with type of ${mime}`;
    return { text: said, json: { message: said, file, mime } };
  },
};

/** virKeycodeSet. */
const CODESETS = ['linux', 'xt', 'atset1', 'atset2', 'atset3', 'os_x', 'xt_kbd', 'usb', 'win32', 'qnum'] as const;
const KEYS_MAX = 16;

const sendKeyCommand: CommandDef = {
  name: 'send-key',
  summary: 'send keycodes to the guest',
  description: 'Keys are numbers of the code set or, of linux, names like KEY_LEFTCTRL; all are pressed together.',
  options: [
    domainOption('active-domain'),
    // By name only, as they must not take the keys.
    text('codeset', `code set of the keys: ${CODESETS.join(', ')}`, { complete: CODESETS, named: true }),
    integer('holdtime', 'how long the keys are held, in milliseconds', { named: true }),
    text('keycode', 'the key code', { repeat: true, required: true }),
  ],
  async run(args, session) {
    const codeset = args.text('codeset') ?? 'linux';
    const set = CODESETS.indexOf(codeset as (typeof CODESETS)[number]);
    if (set < 0) throw new UsageFailure(`unknown codeset: '${codeset}'`);
    const codes = args.list('keycode').map((key) => {
      const code = keyCode(key, codeset);
      if (code === undefined) throw new UsageFailure(`invalid keycode: '${key}'`);
      return code;
    });
    if (codes.length > KEYS_MAX) throw new UsageFailure('too many keycodes');
    const domain = await findDomain(args, session);
    await domain.sendKey(set, args.number('holdtime') ?? 0, codes);
    return { text: '', json: {} } satisfies Output;
  },
};

/** Commands about a domain's texts, screen and keyboard. */
export const miscCommands: readonly CommandDef[] = [descCommand, metadataCommand, screenshotCommand, sendKeyCommand];
