export {
  differencesOf,
  isInVlan,
  linksOfAttachment,
  plannedSubInterface,
  type SubInterface,
  subInterfaceAlias,
  temporaryName,
} from './sub-interface.ts';
