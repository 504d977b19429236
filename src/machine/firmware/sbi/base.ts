import { SBI_SPEC_VERSION, SbiExt, SbiFn } from '../../../isa/index.ts';
import { argument, type SbiExtension, success } from './call.ts';

/** "nvsr": not in the registry of implementation ids (SBI 4.8), and too large to collide with one that will be. */
export const SBI_IMPL_ID = 0x6e76_7372;

/** Version of this firmware: major in bits 31:16, minor below. */
export const SBI_IMPL_VERSION = 0x0000_0001;

/** Base extension (SBI 4). @param isThere whether an extension is implemented. */
export function baseExtension(isThere: (extension: bigint) => boolean): SbiExtension {
  const fn = SbiFn.BASE;
  return {
    id: SbiExt.BASE,
    functions: {
      [fn.GET_SPEC_VERSION]: () => success(SBI_SPEC_VERSION),
      [fn.GET_IMPL_ID]: () => success(SBI_IMPL_ID),
      [fn.GET_IMPL_VERSION]: () => success(SBI_IMPL_VERSION),
      [fn.PROBE_EXTENSION]: (_machine, hart) => success(isThere(argument(hart, 0)) ? 1 : 0),
      // As the harts' own registers: a non-commercial implementation without a number (Privileged spec 3.1.2 … 3.1.4).
      [fn.GET_MVENDORID]: () => success(0),
      [fn.GET_MARCHID]: () => success(0),
      [fn.GET_MIMPID]: () => success(0),
    },
  };
}
