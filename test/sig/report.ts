// What a run of Kubernetes' tests has found: a report of ginkgo (types.Report of onsi/ginkgo/v2, as JSON).

import { z } from 'zod';

export const testStates = ['passed', 'failed', 'skipped'] as const;

export interface TestResult {
  /** What it is about, then what it does: `DNS › should provide DNS for services [Conformance]`. */
  readonly name: string;
  readonly state: (typeof testStates)[number];
  /** Why it failed, or why it skipped itself. */
  readonly why?: string;
}

const reports = z.array(
  z.object({
    SpecReports: z.array(
      z.object({
        ContainerHierarchyTexts: z.array(z.string()).nullish(),
        LeafNodeType: z.string(),
        LeafNodeText: z.string(),
        State: z.string(),
        Failure: z.object({ Message: z.string() }).partial().optional(),
      }),
    ),
  }),
);

/** All tests that were chosen. What runs before and after all of them counts where it failed. */
export function readReport(text: string): TestResult[] {
  return reports.parse(JSON.parse(text)).flatMap(({ SpecReports }) =>
    SpecReports.flatMap((spec): TestResult[] => {
      const texts = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText || spec.LeafNodeType];
      const name = texts.join(' › ').replace('[sig-network] ', '');
      const why = spec.Failure?.Message;
      if (spec.State === 'passed') return spec.LeafNodeType === 'It' ? [{ name, state: 'passed' }] : [];
      // A test that was not chosen is skipped, without a reason.
      if (spec.State === 'skipped' || spec.State === 'pending') {
        return why ? [{ name, state: 'skipped', why }] : [];
      }
      return [{ name, state: 'failed', why: why || spec.State }];
    }),
  );
}
