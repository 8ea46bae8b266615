// Answers `orbctl service`: what the kernel of this node knows of Services.

import {
  type ServicePortReport,
  type ServiceQuestion,
  type ServiceReport,
  serviceQuestionSchema,
} from '#api';
import type { CniAnswer, CniRequest } from '#cni';
import {
  type EndpointUse,
  type Frontend,
  frontendKey,
  placeText,
  type ServiceCounts,
  type ServiceEntry,
} from '#plan/service';

/** What the agent knows. */
export interface ServiceKnowledge {
  /** Why sockets are not served; undefined if they are. */
  readonly problem: string | undefined;
  /** What the kernel knows, with the Service that has it: `namespace/name`, and undefined for one of the agent. */
  entries(): Iterable<readonly [entry: ServiceEntry, service: string | undefined]>;
  uses(service: string, entry: ServiceEntry): EndpointUse[];
  /** How often sockets asked, by `frontendKey`. `only`: of these alone, which is faster where there are many. */
  counts(only?: readonly Frontend[]): ReadonlyMap<string, ServiceCounts>;
}

export class ServiceAnswers {
  readonly #node: string;
  readonly #services: ServiceKnowledge;

  constructor(node: string, services: ServiceKnowledge) {
    this.#node = node;
    this.#services = services;
  }

  async serve({ stdin }: CniRequest): Promise<CniAnswer> {
    const question = readQuestion(stdin);
    if (question === undefined) {
      const said = `question '${stdin}' is invalid; allowed: {}, {"service":"NAMESPACE/NAME"}, {"place":"ADDRESS:PORT"}`;
      return { exitCode: 1, stdout: said, log: '' };
    }
    return { exitCode: 0, stdout: JSON.stringify(this.#report(question)), log: '' };
  }

  #report(question: ServiceQuestion): ServiceReport {
    const services = this.#services;
    const off = services.problem;
    const wantsAll = question.service === undefined && question.place === undefined;
    const asked = [...services.entries()].filter(
      ([{ frontend }, service]) =>
        (question.service === undefined || question.service === service) &&
        (question.place === undefined || question.place === placeText(frontend)),
    );
    const counts = services.counts(wantsAll ? undefined : asked.map(([{ frontend }]) => frontend));
    const ports = asked.map(([entry, service]): ServicePortReport => {
      const uses = wantsAll || service === undefined ? undefined : services.uses(service, entry);
      return { ...portOf(entry, service, uses), ...countsOf(counts.get(frontendKey(entry.frontend))) };
    });
    return { node: this.#node, ...(off !== undefined && { off }), ports };
  }
}

function readQuestion(stdin: string): ServiceQuestion | undefined {
  try {
    return serviceQuestionSchema.parse(JSON.parse(stdin));
  } catch {
    return undefined;
  }
}

function countsOf({ chosen, refused }: ServiceCounts = { chosen: 0, refused: 0 }) {
  return { sockets: chosen, refused };
}

function portOf(
  { frontend, backends }: ServiceEntry,
  service: string | undefined,
  uses: readonly EndpointUse[] | undefined,
): Omit<ServicePortReport, 'sockets' | 'refused'> {
  const endpoints = uses?.map(({ place, node, sockets, because }) => ({
    place: placeText(place),
    sockets,
    ...(node !== undefined && { node }),
    ...(because !== undefined && { because }),
  }));
  return {
    protocol: frontend.protocol,
    place: placeText(frontend),
    ...(service !== undefined && { service }),
    ready: backends.ready.length,
    draining: backends.draining.length,
    affinitySeconds: backends.affinitySeconds,
    ...(endpoints !== undefined && { endpoints }),
  };
}
