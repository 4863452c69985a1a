/** The order of test files: vitest learns how long each takes, but continuous integration begins without that knowledge. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Those that take longest, longest first: one of them begun last would leave a core without work for minutes. */
const LONGEST = [
  'e2e/specs/many.test.ts',
  'e2e/specs/large.test.ts',
  'e2e/specs/kill.test.ts',
  'e2e/specs/as2-kill.test.ts',
  'e2e/specs/as2-large.test.ts',
  'shared/core/protocols/ftps/ftps.integration.test.ts',
  'shared/core/protocols/s3/s3.integration.test.ts',
  'e2e/specs/kill-receive.test.ts',
  'e2e/specs/posture.test.ts',
  'e2e/campaigns/flows.test.ts',
  'e2e/specs/openpgp.test.ts',
  'e2e/specs/openpgp-large.test.ts',
  'e2e/specs/window-protocols.test.ts',
  'e2e/specs/bad-input.test.ts',
  'e2e/specs/send.test.ts',
  'shared/hosts/conformance/policy-rules.test.ts',
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const known = LONGEST.findIndex((path) => moduleId.endsWith(path))
      return known === -1 ? LONGEST.length : known
    }
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other))
  }
}
