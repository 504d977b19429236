import { virtError } from '../../errors.ts';
import type { Procedure } from '../procedure.ts';
import { sessionProcedures } from '../procedures/index.ts';

/** Ways to say who one is, as servers name them. */
const Auth = { NONE: 0, SASL: 1, POLKIT: 2 } as const;

/** Says who we are in the way that the server asks for first. Throws AUTH_FAILED. */
export async function authenticate(
  call: (procedure: Procedure, ...args: unknown[]) => Promise<unknown>,
): Promise<void> {
  const [first = Auth.NONE] = (await call(sessionProcedures.authList)) as number[];
  if (first === Auth.NONE) return;
  if (first === Auth.POLKIT) {
    // The server asks polkit about this process.
    await call(sessionProcedures.authPolkit);
    return;
  }
  const name = first === Auth.SASL ? 'SASL' : `mechanism ${first}`;
  throw virtError('AUTH_FAILED', `authentication failed: the server asks for ${name}, which is not supported`, {
    domain: 'AUTH',
  });
}
