export {
  changeTables,
  type ServingMember,
  type SetMember,
  type TableChanges,
  type WrittenEntry,
  type WrittenTable,
} from './changes.ts';
export {
  type Backends,
  type Frontend,
  frontendKey,
  type Place,
  type Protocol,
  type ServiceEntry,
  type ServiceTable,
} from './tables.ts';
