import { type Connection, type Domain, DomainState } from '../../virt/index.ts';
import type { CommandArgs } from '../cli/virsh/arguments.ts';
import { attachConsole } from '../cli/virsh/console.ts';
import { attempt, CommandFailure, UsageFailure } from '../cli/virsh/failure.ts';
import { whileAlive } from '../cli/virsh/keep-alive.ts';
import { message, type Output } from '../cli/virsh/output.ts';
import type { Session } from '../cli/virsh/session.ts';

/** What comes after a domain has been started. */
export interface Follow {
  /** Its console is attached. */
  readonly attach: boolean;
  /** How long its end is waited for; undefined: it is not. */
  readonly waitMs: number | undefined;
  /** It is being installed, and is started again when that has ended. */
  readonly restart: boolean;
  /** It is destroyed when its console is left. */
  readonly destroyOnExit: boolean;
}

const MINUTE_MS = 60_000;
/** The longest that a timer can be. */
const MOST_MS = 2 ** 31 - 1;

function waitOf(args: CommandArgs): number | undefined {
  if (!args.flag('wait')) return undefined;
  const text = args.list('wait')[0] ?? '';
  if (!/^(-?\d+(\.\d+)?)?$/.test(text)) throw new UsageFailure(`--wait ${text}: not a number of minutes`);
  const minutes = text === '' ? -1 : Number(text);
  return minutes < 0 ? MOST_MS : Math.min(minutes * MINUTE_MS, MOST_MS);
}

/** What the command line wants after the start. @param installs the domain boots an installer first. Throws UsageFailure */
export function followOf(args: CommandArgs, installs: boolean, session: Session): Follow {
  const how = args.text('autoconsole') ?? 'text';
  if (how !== 'text' && how !== 'none') throw new UsageFailure(`--autoconsole ${how}: neither text nor none`);
  const has = !args.list('console').includes('none') || args.list('serial').some((one) => one !== 'none');
  const waitMs = waitOf(args);
  if (waitMs === 0) session.note('warning: Treating --wait 0 as --noautoconsole');
  const attach = how === 'text' && has && !args.flag('noautoconsole') && waitMs !== 0;
  return {
    attach,
    waitMs: waitMs === 0 ? undefined : waitMs,
    restart: installs && !args.flag('noreboot') && !args.flag('transient'),
    destroyOnExit: args.flag('destroy-on-exit'),
  };
}

/** What has become of a domain that was started. */
async function activeOf(domain: Domain): Promise<boolean> {
  // A transient one is gone with its end.
  return domain.isActive().catch(() => false);
}

/** Waits for a domain's end. @returns false: the time was over, or the user did not want to wait any more */
async function ended(connection: Connection, domain: Domain, waitMs: number, session: Session): Promise<boolean> {
  if (!(await activeOf(domain))) return true;
  return whileAlive(
    new Promise<boolean>((resolve) => {
      const settle = (result: boolean) => {
        clearTimeout(timer);
        offInterrupt();
        connection.off('lifecycle', look);
        connection.off('close', gone);
        resolve(result);
      };
      const look = () => {
        void activeOf(domain).then((active) => active || settle(true));
      };
      const gone = () => settle(false);
      const timer = setTimeout(gone, waitMs);
      const offInterrupt = session.onInterrupt(gone);
      connection.on('lifecycle', look);
      connection.on('close', gone);
      look();
    }),
  );
}

async function crashed(domain: Domain): Promise<boolean> {
  const state = await domain.getState().catch(() => undefined);
  return state?.state === DomainState.CRASHED;
}

/** Attaches the console, waits, starts again, as asked for. */
export async function follow(
  connection: Connection,
  domain: Domain,
  how: Follow,
  session: Session,
): Promise<Output | number | undefined> {
  const { attach, waitMs, restart, destroyOnExit } = how;
  const said = `Domain '${domain.name}' created`;
  if (!attach && waitMs === undefined) return message(said, { domain: domain.name, uuid: domain.uuid });
  session.note(said);
  if (attach) await attachConsole(domain, session);
  if (attach && destroyOnExit && (await activeOf(domain))) {
    await attempt(`Failed to destroy domain '${domain.name}'`, domain.destroy());
    session.note(`Domain '${domain.name}' destroyed`);
    return 0;
  }
  if (session.terminated !== undefined) return undefined;
  if (waitMs !== undefined) {
    if (await activeOf(domain)) session.note('Domain is still running. Waiting for its end.');
    if (!(await ended(connection, domain, waitMs, session))) {
      throw new CommandFailure(
        'Installation has exceeded specified time limit, or was interrupted: the domain goes on.',
      );
    }
  } else if (await activeOf(domain)) {
    return undefined;
  }
  if (await crashed(domain)) throw new CommandFailure('Domain has crashed.');
  if (!restart) return 0;
  session.note('Restarting guest.');
  await attempt(`Failed to start domain '${domain.name}'`, domain.create());
  if (attach) await attachConsole(domain, session);
  return undefined;
}
