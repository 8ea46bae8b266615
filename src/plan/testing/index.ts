export {
  orbweaverPrograms,
  spiderpoolAgent,
  spiderpoolConf,
  spiderpoolController,
  spiderpoolData,
  spiderpoolFacts,
  spiderpoolWebhooks,
} from './spiderpool-cluster.ts';
