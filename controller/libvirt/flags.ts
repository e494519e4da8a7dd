// Numbers of libvirt's public headers (include/libvirt/libvirt-domain.h, libvirt-storage.h).

/** virDomainCreateFlags. */
export const CreateFlags = { paused: 1, autodestroy: 2, validate: 16 } as const;

/** virDomainDefineFlags. */
export const DefineFlags = { validate: 1 } as const;

/** virDomainDestroyFlagsValues. */
export const DestroyFlags = { graceful: 1 } as const;

/** virDomainShutdownFlagValues. */
export const ShutdownFlags = { acpi: 1, agent: 2, initctl: 4, signal: 8, paravirt: 16 } as const;

/** virDomainModificationImpact. */
export const Affect = { current: 0, live: 1, config: 2 } as const;

/** virDomainCoreDumpFlags. */
export const DumpFlags = { crash: 1, live: 2, memoryOnly: 16 } as const;

/** virDomainConsoleFlags. */
export const ConsoleFlags = { force: 1, safe: 2 } as const;

/** virConnectListAllDomainsFlags. */
export const ListFlags = { active: 1, inactive: 2, persistent: 4, transient: 8 } as const;

/** virConnectListAllStoragePoolsFlags. */
export const ListPoolFlags = { inactive: 1, active: 2, persistent: 4, transient: 8 } as const;

/** virDomainShutoffReason: the reason of state `shutoff`. Not the numbers of StoppedDetail. */
export const ShutoffReason = {
  unknown: 0,
  shutdown: 1,
  destroyed: 2,
  crashed: 3,
  migrated: 4,
  saved: 5,
  failed: 6,
  fromSnapshot: 7,
  daemon: 8,
} as const;

/** virDomainEventStoppedDetailType: the detail of event `stopped`. */
export const StoppedDetail = {
  shutdown: 0,
  destroyed: 1,
  crashed: 2,
  migrated: 3,
  saved: 4,
  failed: 5,
  fromSnapshot: 6,
} as const;

/** virDomainProcessSignal, as far as one is sent here. */
export const Signal = { hup: 1, int: 2, kill: 9, term: 15 } as const;
