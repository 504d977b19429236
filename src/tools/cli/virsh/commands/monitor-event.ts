import type { ConnectionEvent } from '../../../../virt/index.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { findDomain } from '../lookup.ts';
import { type Shown, watchEvents } from './event-watch.ts';

/** virConnectDomainQemuMonitorEventRegisterFlags. */
const REGEX = 1;
const NO_CASE = 2;

function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    // What is no JSON is shown as it came.
    return text;
  }
}

/** Waits for what the monitor of QEMU's tells. */
export const monitorEventCommand: CommandDef = {
  name: 'qemu-monitor-event',
  summary: 'QEMU monitor events',
  options: [
    text('domain', 'filter by domain name, id or uuid', { named: true, complete: 'domain' }),
    text('event', 'filter by event name', { named: true }),
    flag('pretty', 'pretty-print any JSON output'),
    flag('loop', 'loop until timeout or interrupt, rather than one-shot'),
    integer('timeout', 'timeout seconds', { named: true }),
    flag('regex', 'treat event as a regex rather than literal filter'),
    flag('no-case', 'treat event case-insensitively'),
    flag('timestamp', 'show timestamp for each printed event'),
  ],
  async run(args, session) {
    const connection = await session.connection();
    const domain = args.flag('domain') ? await findDomain(args, session) : undefined;
    const describe = (event: ConnectionEvent): Shown | undefined => {
      if (event.name !== 'qemuMonitorEvent') return undefined;
      const [{ name: of, uuid }, kind, seconds, micros, details] = event.args;
      const when = args.flag('timestamp') ? `${seconds}.${String(micros).padStart(6, '0')}: ` : '';
      const told = details === undefined ? '<null>' : args.flag('pretty') ? prettyJson(details) : details;
      const text = `${when}event ${kind} for domain '${of}': ${told}\n`;
      return { kind, of, uuid, text, facts: { seconds, micros, details } };
    };
    const flags = (args.flag('regex') ? REGEX : 0) | (args.flag('no-case') ? NO_CASE : 0);
    const watch = { describe, title: (of: string) => of, kinds: undefined, uuid: undefined };
    const registered = () => connection.qemuMonitorEventRegister(domain, args.text('event'), flags);
    return watchEvents(watch, args, session, registered);
  },
};
