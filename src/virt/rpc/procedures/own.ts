/** What libvirt has no call for: a program of our own, which other servers do not know. */
import { VirtError } from '../../../util/index.ts';
import { virtError } from '../../errors.ts';
import { ownWrites } from '../procedure.ts';
import { domain } from '../shapes.ts';
import { bits, text } from '../xdr-types.ts';

/** Rows of our own program. */
export const ownProcedures = [
  ownWrites.streamed(
    'receive',
    1,
    'domainCaptureInterface',
    [{ domain }, { device: text }, { flags: bits }],
    {},
    {
      serve: async (backend, ref, device, flags) => ({
        result: undefined,
        stream: await backend.domainCaptureInterface(ref, device, flags),
      }),
      async call({ open }, ref, device, flags) {
        try {
          return (await open(ref, device, flags)).stream;
        } catch (error) {
          // libvirtd knows the program as little as the call.
          if (!(error instanceof VirtError) || error.code !== 'RPC') throw error;
          throw virtError('NO_SUPPORT', 'domainCaptureInterface', { cause: error, domain: 'REMOTE' });
        }
      },
    },
  ),
];
