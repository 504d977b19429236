import { constants } from 'node:os';
import { ExitCode } from '../command.ts';
import { whileAlive } from './keep-alive.ts';
import type { Session } from './session.ts';

const QUIT = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Stays until the domains that end with this process have ended. The first Ctrl-C asks them to switch off, the second
 * destroys them, as do SIGTERM and SIGHUP.
 * @returns the exit status
 */
export async function waitForOwnDomains(session: Session): Promise<number> {
  const own = await session.ownDomains();
  if (own.length === 0) return session.terminated ?? ExitCode.OK;
  // Asked to end already: closing the connection ends them.
  if (session.terminated !== undefined) return session.terminated;
  const names = own.map(({ name }) => `'${name}'`).join(', ');
  session.note(`${own.length === 1 ? 'Domain' : 'Domains'} ${names} running in this process. Ctrl-C shuts down.`);
  const connection = await session.connection();
  const uuids = async () => (await session.ownDomains()).map(({ uuid }) => uuid);
  const ended = new Promise<number>((resolve) => {
    let status: number = ExitCode.OK;
    let asked = false;
    const each = async (act: 'shutdown' | 'destroy') => {
      for (const uuid of await uuids()) {
        const domain = await connection.lookupByUUID(uuid).catch(() => undefined);
        // A guest that cannot be asked is destroyed; one that has gone meanwhile is what we wanted.
        await domain?.[act]().catch(() => domain.destroy().catch(() => {}));
      }
    };
    const interrupted = () => {
      void each(asked ? 'destroy' : 'shutdown');
      if (!asked) session.note('Shutting down. Ctrl-C once more destroys.');
      asked = true;
    };
    const quit = QUIT.map((signal) => {
      const handler = () => {
        status = ExitCode.SIGNAL + constants.signals[signal];
        void each('destroy');
      };
      session.context.events.on(signal, handler);
      return () => session.context.events.off(signal, handler);
    });
    const offInterrupt = session.onInterrupt(interrupted);
    const check = async () => {
      if ((await uuids()).length > 0) return;
      connection.off('lifecycle', check);
      offInterrupt();
      for (const off of quit) off();
      resolve(status);
    };
    connection.on('lifecycle', check);
    void check();
  });
  return whileAlive(ended);
}
