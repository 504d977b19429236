import type { NodeProcedures, TypedParam } from '../backend.ts';
import { virtError } from '../errors.ts';
import type { Hypervisor } from './hypervisor.ts';
import { checkFlags } from './impact.ts';
import type { World } from './world.ts';

/** The one architecture of guests, and the one CPU model of it. */
const GUEST_ARCH = 'riscv64';
const CPU_MODELS = ['rv64'];

/** The host: its memory cell by cell, its CPU models, other hypervisors' configurations. */
export class LocalNode implements NodeProcedures {
  readonly #hypervisor: Hypervisor;

  constructor({ hypervisor }: World) {
    this.#hypervisor = hypervisor;
  }

  async nodeGetCellsFreeMemory(startCell: number, maxCells: number): Promise<bigint[]> {
    const cells = this.#hypervisor.cellsFreeMemory?.() ?? [this.#hypervisor.freeMemory()];
    if (startCell < 0 || startCell >= cells.length) {
      throw virtError('INVALID_ARG', `start cell ${startCell} out of range (0-${cells.length - 1})`);
    }
    if (maxCells < 1) throw virtError('INVALID_ARG', `maxCells in nodeGetCellsFreeMemory must be greater than zero`);
    return cells.slice(startCell, startCell + maxCells);
  }

  async nodeGetMemoryParameters(flags: number): Promise<TypedParam[]> {
    // VIR_TYPED_PARAM_STRING_OKAY.
    checkFlags(flags, 4, 'nodeGetMemoryParameters');
    return noSupport('parameters of memory sharing are not known of the host');
  }

  async nodeGetSecurityModel(): Promise<{ model: string; doi: string }> {
    return { model: 'none', doi: '0' };
  }

  async connectGetCpuModelNames(arch: string, flags: number): Promise<string[]> {
    checkFlags(flags, 0, 'connectGetCpuModelNames');
    if (arch !== GUEST_ARCH) throw virtError('INVALID_ARG', `cannot find architecture ${arch}`);
    return [...CPU_MODELS];
  }

  async connectCompareCpu(_xml: string, flags: number): Promise<number> {
    checkFlags(flags, compareFlags, 'connectCompareCpu');
    return noSupport('cannot compare CPUs of riscv64 architecture');
  }

  async connectBaselineCpu(_xmlCpus: readonly string[], flags: number): Promise<string> {
    checkFlags(flags, baselineFlags, 'connectBaselineCpu');
    return noSupport('cannot compute baseline CPU of riscv64 architecture');
  }

  async connectCompareHypervisorCpu(
    ...[, , , , , flags]: Parameters<NodeProcedures['connectCompareHypervisorCpu']>
  ): Promise<number> {
    checkFlags(flags, compareFlags, 'connectCompareHypervisorCpu');
    return noSupport('comparing with the hypervisor CPU is not supported for arch riscv64');
  }

  async connectBaselineHypervisorCpu(
    ...[, , , , , flags]: Parameters<NodeProcedures['connectBaselineHypervisorCpu']>
  ): Promise<string> {
    checkFlags(flags, baselineFlags, 'connectBaselineHypervisorCpu');
    return noSupport('computing baseline hypervisor CPU is not supported for arch riscv64');
  }

  async connectDomainXmlFromNative(format: string, _config: string, flags: number): Promise<string> {
    checkFlags(flags, 0, 'connectDomainXmlFromNative');
    throw virtError('INVALID_ARG', `unsupported config type ${format}`);
  }

  async connectDomainXmlToNative(format: string, _xml: string, flags: number): Promise<string> {
    checkFlags(flags, 0, 'connectDomainXmlToNative');
    throw virtError('INVALID_ARG', `unsupported config type ${format}`);
  }
}

/** VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE, _VALIDATE_XML. */
const compareFlags = 1 | 2;
/** VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES, _MIGRATABLE. */
const baselineFlags = 1 | 2;

function noSupport(detail: string): never {
  throw virtError('NO_SUPPORT', detail);
}
