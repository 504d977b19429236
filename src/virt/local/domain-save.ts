import type { BlockJobInfo, DomainRef, DomainSaveProcedures, JobInfo } from '../backend.ts';
import { virtError } from '../errors.ts';
import type { LocalDomain } from './domain.ts';
import { findDisk } from './domain-io.ts';
import { checkFlags } from './impact.ts';
import type { World } from './world.ts';

/** VIR_DOMAIN_SAVE_BYPASS_CACHE, _RUNNING, _PAUSED, _RESET_NVRAM. */
const saveFlags = 1 | 2 | 4 | 8;
/** VIR_DUMP_CRASH, _LIVE, _BYPASS_CACHE, _RESET, _MEMORY_ONLY. */
const dumpFlags = 1 | 2 | 4 | 8 | 16;
/** virDomainCoreDumpFormat has so many members. */
const DUMP_FORMATS = 5;

/** State of domains in files: machines cannot be saved, so there is none to restore; and the jobs that this would be. */
export class LocalDomainSave implements DomainSaveProcedures {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async domainSaveFlags(ref: DomainRef, _to: string, _dxml: string | undefined, flags: number): Promise<void> {
    checkFlags(flags, saveFlags, 'domainSaveFlags');
    this.#find(ref).activeRun();
    unsaved();
  }

  async domainRestoreFlags(_from: string, _dxml: string | undefined, flags: number): Promise<void> {
    checkFlags(flags, saveFlags, 'domainRestoreFlags');
    unsaved();
  }

  async domainSaveImageGetXmlDesc(_file: string, flags: number): Promise<string> {
    checkFlags(flags, 1, 'domainSaveImageGetXmlDesc');
    return unsaved();
  }

  async domainSaveImageDefineXml(_file: string, _dxml: string, flags: number): Promise<void> {
    checkFlags(flags, saveFlags, 'domainSaveImageDefineXml');
    unsaved();
  }

  async domainManagedSave(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, saveFlags, 'domainManagedSave');
    const domain = this.#find(ref);
    domain.activeRun();
    if (!domain.persistent) throw virtError('OPERATION_INVALID', 'cannot do managed save for transient domain');
    unsaved();
  }

  async domainManagedSaveRemove(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, 0, 'domainManagedSaveRemove');
    this.#find(ref);
    noManagedSave();
  }

  async domainManagedSaveGetXmlDesc(ref: DomainRef, flags: number): Promise<string> {
    checkFlags(flags, 1, 'domainManagedSaveGetXmlDesc');
    this.#find(ref);
    return noManagedSave();
  }

  async domainCoreDumpWithFormat(ref: DomainRef, _to: string, format: number, flags: number): Promise<void> {
    checkFlags(flags, dumpFlags, 'domainCoreDumpWithFormat');
    if (format < 0 || format >= DUMP_FORMATS) throw virtError('INVALID_ARG', `unknown dumpformat '${format}'`);
    this.#find(ref).activeRun();
    throw virtError('OPERATION_UNSUPPORTED', 'dumping the memory of a domain is not supported');
  }

  async domainGetJobInfo(ref: DomainRef): Promise<JobInfo> {
    this.#find(ref);
    const none = 0n;
    return {
      type: 0,
      timeElapsed: none,
      timeRemaining: none,
      dataTotal: none,
      dataProcessed: none,
      dataRemaining: none,
      memTotal: none,
      memProcessed: none,
      memRemaining: none,
      fileTotal: none,
      fileProcessed: none,
      fileRemaining: none,
    };
  }

  async domainAbortJobFlags(ref: DomainRef, flags: number): Promise<void> {
    // VIR_DOMAIN_ABORT_JOB_POSTCOPY.
    checkFlags(flags, 1, 'domainAbortJobFlags');
    this.#find(ref).activeRun();
    throw virtError('OPERATION_INVALID', 'no job is active on the domain');
  }

  async domainGetBlockJobInfo(ref: DomainRef, disk: string, flags: number): Promise<BlockJobInfo | undefined> {
    // VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES.
    checkFlags(flags, 1, 'domainGetBlockJobInfo');
    findDisk(this.#find(ref).activeRun().def, disk);
    return undefined;
  }

  async domainBlockJobAbort(ref: DomainRef, disk: string, flags: number): Promise<void> {
    // VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC, _PIVOT.
    checkFlags(flags, 1 | 2, 'domainBlockJobAbort');
    const { target } = findDisk(this.#find(ref).activeRun().def, disk);
    throw virtError('INVALID_ARG', `disk ${target.dev} does not have an active block job`);
  }

  #find(ref: DomainRef): LocalDomain {
    return this.#world.domains.find(ref);
  }
}

function unsaved(): never {
  throw virtError('OPERATION_UNSUPPORTED', 'the state of machines cannot be saved');
}

function noManagedSave(): never {
  throw virtError('OPERATION_INVALID', 'domain does not have managed save image');
}
