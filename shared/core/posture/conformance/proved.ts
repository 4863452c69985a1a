/** Which rules are held to real artefacts where. `complete.test.ts` fails when one is held nowhere. */

/** `installation.integration.test.ts`, which counts them itself. */
export const INSTALLATION: readonly string[] = [
  'workspace_readable', 'workspace_synced', 'disk_low', 'disk_filling', 'runtime_outdated', 'shell_outdated', 'waybill_outdated', 'primitives_failed', 'clock_skew',
  'keychain_missing', 'keychain_fallback', 'secret_file_readable', 'receiver_exposed', 'receiver_plain', 'receiver_old_http', 'receiver_anonymous', 'receiver_down', 'station_missing',
  'backup_missing', 'backup_old', 'backup_lost', 'backup_unsealed', 'backup_same_disk', 'audit_not_verified', 'audit_not_anchored', 'audit_broken',
  'policy_unapproved', 'policy_drift', 'policy_station_drift', 'policy_signature_bad',
]

const SERVERS = 'shared/core/posture/conformance/servers.integration.test.ts'
const MESSAGES = 'shared/core/posture/conformance/messages.integration.test.ts'
const DRIFT = 'e2e/specs/posture-drift.test.ts'

/** Held to real servers and partners in other files, which name the code. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  tls_certificate_renewed: SERVERS, tls_issuer_changed: SERVERS, tls_minimum_low: SERVERS, observed_weak_tls: SERVERS, server_outdated: SERVERS, jump_host_unseen: SERVERS,
  retired_still_seen: SERVERS, identity_refused: SERVERS, observed_weak_pgp: SERVERS, disputed_resting: SERVERS, ftps_session_anew: SERVERS,
  observed_weak_message: MESSAGES, silent_downgrade: MESSAGES, receipt_no_longer_signed: MESSAGES, message_no_longer_signed: MESSAGES, message_no_longer_encrypted: MESSAGES,
  signer_changed: MESSAGES, policy_refused: MESSAGES, receipt_signer_changed: MESSAGES, exception_unused: MESSAGES, receipts_not_posted: MESSAGES,
  observed_weak_ssh: DRIFT, host_key_replaced: DRIFT, s3_key_too_wide: 'e2e/specs/s3.test.ts',
}
