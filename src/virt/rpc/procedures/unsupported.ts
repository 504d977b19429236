/** The same of libvirt-qemu. */
export const unsupportedQemuFunctions: ReadonlyMap<number, string> = new Map([
  [7, 'virDomainQemuMonitorCommandWithFiles'],
]);

/** Functions of libvirt's that have no method here, by their procedures: so that clients are told which one is missing. */
export const unsupportedFunctions: ReadonlyMap<number, string> = new Map([
  [61, 'virDomainMigrate'],
  [62, 'virDomainMigrate'],
  [63, 'virDomainMigrate'],
  [108, 'virDomainMigrate'],
  [109, 'virDomainMigrate'],
  [148, 'virDomainMigrate'],
  [213, 'virDomainMigrate'],
  [214, 'virDomainMigrate'],
  [215, 'virDomainMigrate'],
  [216, 'virDomainMigrate'],
  [217, 'virDomainMigrate'],
  [218, 'virDomainMigrate'],
  [249, 'virDomainOpenGraphics'],
  [304, 'virDomainMigrate'],
  [309, 'virDomainCreateXMLWithFiles'],
  [310, 'virDomainCreateWithFiles'],
  [343, 'virDomainOpenGraphicsFD'],
  [443, 'virDomainFDAssociate'],
]);
