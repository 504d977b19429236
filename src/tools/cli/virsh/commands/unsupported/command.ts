/**
 * Commands of virsh for calls that no connection of ours has a procedure for. They are there so that a script is told in
 * libvirt's words, as by any driver of libvirt that lacks the call, and so that help names them.
 */
import type { CommandArgs } from '../../arguments.ts';
import type { CommandDef, OptionDef } from '../../definition.ts';
import { attempt, unsupported } from '../../failure.ts';
import type { Session } from '../../session.ts';

/** A command whose call is missing. */
export interface Missing {
  readonly name: string;
  readonly summary: string;
  readonly options?: readonly OptionDef[];
  /** The call's name in libvirt's API. */
  readonly call: string | ((args: CommandArgs) => string);
  /** What virsh says first; default: nothing. */
  readonly failed?: string | ((args: CommandArgs) => string);
  /** Looks at what can be seen to be wrong without the call. Throws UsageFailure. */
  check?(args: CommandArgs): void | Promise<void>;
}

/** Finds what a command is about, or fails. */
export type Find = (args: CommandArgs, session: Session) => Promise<unknown>;

function missingCommand({ name, summary, options = [], call, failed, check }: Missing, find?: Find): CommandDef {
  return {
    name,
    summary,
    options,
    async run(args, session) {
      await find?.(args, session);
      await session.connection();
      await check?.(args);
      const refused = Promise.reject(unsupported(typeof call === 'string' ? call : call(args)));
      const first = typeof failed === 'function' ? failed(args) : failed;
      await (first === undefined ? refused : attempt(first, refused));
      return undefined;
    },
  };
}

/** The commands of a list; each finds what it is about first. */
export function commands(list: readonly Missing[], find?: Find): readonly CommandDef[] {
  return list.map((one) => missingCommand(one, find));
}
