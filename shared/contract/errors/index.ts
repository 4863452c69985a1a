/**
 * The catalogue of everything that can be told to an operator. A code that has no text here is no code:
 * `ErrorCode` is derived from the catalogue, so a new one without a text does not compile.
 */
import { z } from 'zod'
import { archiveErrors } from './archives.ts'
import { as2Errors } from './as2.ts'
import { backupErrors } from './backup.ts'
import { backgroundErrors } from './background.ts'
import { postureErrors } from './posture.ts'
import { commonErrors } from './common.ts'
import { evidenceErrors } from './evidence.ts'
import { expectationErrors } from './expectations.ts'
import { deliveryErrors } from './deliveries.ts'
import { ftpsErrors } from './ftps.ts'
import { flowErrors } from './flows.ts'
import { notificationErrors } from './notifications.ts'
import { folderErrors } from './folder.ts'
import { openpgpErrors } from './openpgp.ts'
import type { ErrorSpec } from './spec.ts'
import { proxyErrors } from './proxy.ts'
import { sshErrors } from './ssh.ts'
import { s3Errors } from './s3.ts'
import { tlsErrors } from './tls.ts'
import { transportErrors } from './transport.ts'
import { trustErrors } from './trust.ts'
import { workspaceErrors } from './workspace.ts'

export type { ErrorSpec, ExitCode, RetryClass } from './spec.ts'

const catalogueOfAll = {
  ...commonErrors,
  ...workspaceErrors,
  ...backupErrors,
  ...postureErrors,
  ...deliveryErrors,
  ...flowErrors,
  ...notificationErrors,
  ...expectationErrors,
  ...evidenceErrors,
  ...transportErrors,
  ...sshErrors,
  ...openpgpErrors,
  ...proxyErrors,
  ...folderErrors,
  ...tlsErrors,
  ...s3Errors,
  ...trustErrors,
  ...ftpsErrors,
  ...as2Errors,
  ...backgroundErrors,
  ...archiveErrors,
}

/** `area.reason`, stable: others test against it. */
export type ErrorCode = keyof typeof catalogueOfAll

/** Text, exit code and retry class of every code. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorSpec>> = catalogueOfAll

/** Whether a string is a known code (for data read back from the store). */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}

/**
 * An error as it crosses a transport. `message` is technical and specific (names the field, host or file);
 * the operator's text is looked up by `code`. `details` are facts to show and copy, never secrets.
 */
export const WireError = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.string()).optional(),
})
export type WireError = z.infer<typeof WireError>

/** The operator's text of an error that came over the wire; unknown codes get the general one. */
export function textOf(error: Pick<WireError, 'code'>): ErrorSpec {
  return isErrorCode(error.code) ? ERRORS[error.code] : ERRORS['internal.unexpected']
}
