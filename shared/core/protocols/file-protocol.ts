/**
 * The port of the file protocols (sftp, ftps, s3, folder). An adapter gives sessions with few verbs; everything that is the same for
 * all (probing, temporary names, verification, resume, outcome) is written once on this port, in `deliveries/`.
 * Message protocols (as2) have a port of their own.
 */
import type { TestStage, PresentedCertificate, PresentedHostKey } from '../../contract/partners.ts'
import type { z } from 'zod'

/** What was really negotiated: `kex`, `cipher`, `mac`, `hostKeyAlgorithm`, `hostKeyFingerprint`, `serverSoftware` … */
export type ObservedCrypto = Readonly<Record<string, string>>

export interface RemoteFile {
  /** Plain name, without folder. */
  readonly name: string
  readonly kind: 'file' | 'folder' | 'other'
  readonly size: number
  /** UTC ISO-8601, or null where the server does not tell. */
  readonly modifiedAt: string | null
  /** What changes with the content, where the store tells: an ETag or a version id. */
  readonly version?: string
  /** From a look-up only: what this kind of store tells besides, for the receipt: `etag`, `versionId` … */
  readonly facts?: Readonly<Record<string, string>>
}

/** Capabilities are data: shown in the window and asserted by the conformance suite. */
export interface FileCapabilities {
  /**
   * How a file is held back until it is whole. `named`: under a temporary name in the same folder, then renamed.
   * `held`: by the store itself, invisible until it is published, so that its content can be looked at only afterwards.
   */
  readonly staging: 'named' | 'held'
  /** The server can compute a checksum of a stored file. */
  readonly serverHash: boolean
  /** An interrupted write can go on at an offset. */
  readonly resume: boolean
  /** `atomic`: fails if the target exists. `checked`: we look first, a race remains. `none`: there is no rename. */
  readonly exclusiveRename: 'atomic' | 'checked' | 'none'
  /** How many files one session carries side by side without waiting for each other; 1 where one thing is done at a time. */
  readonly filesAtOnce: number
}

export interface WriteOptions {
  /** Where to go on; the file there has at least this many bytes. 0 starts anew and truncates. */
  readonly offset: number
  /** Bytes of the whole file, where known. */
  readonly size?: number
  /** Called with the length of the prefix that the server has acknowledged (offset included); monotonic. */
  readonly onAcknowledged: (bytes: number) => void
  readonly signal: AbortSignal
}

/** A file on its way: the name under which it travels and the one that it gets. One pair a delivery, stable over all attempts. */
export interface StagedFile {
  readonly temporaryName: string
  readonly finalName: string
  /** Nothing of it was ever begun, as far as the ledger knows (a power cut may have taken the latest from it): no need to look twice. */
  readonly untouched?: boolean
  /** Its content from an offset: a store that cannot tell whose unfinished copy it holds compares. */
  content(offset: number): AsyncIterable<Uint8Array>
}

/** Holding a file back until it is whole, and then giving it its name in one step that never overwrites. */
export interface Staging {
  /** How many bytes of an unfinished copy of it the server has, or null when there is none that matters: one that nobody remembers is begun anew. */
  find(file: StagedFile): Promise<{ readonly size: number } | null>
  /** As FileSession.write. */
  write(file: StagedFile, content: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void>
  /** Rejects with `remote.name_taken` when something has the final name. After it, `find` answers null. */
  publish(file: StagedFile): Promise<void>
  /** Removes what is unfinished; no matter whether there is anything. */
  discard(file: StagedFile): Promise<void>
  /** What follows once the file is known to stand there (a marker beside it, say); done again after a crash, without harm. */
  finish?(file: StagedFile): Promise<void>
}

/**
 * One authenticated connection, working in the connection's folder: all names are plain names in it.
 * Every verb rejects with an AppError (`net.*`, `remote.*`, `sftp.*`).
 */
export interface FileSession {
  readonly observed: ObservedCrypto
  readonly capabilities: FileCapabilities
  /** The folder as the server names it, for receipts: absolute where the server can tell. */
  readonly folder: string
  list(signal?: AbortSignal): Promise<readonly RemoteFile[]>
  /** Null when there is nothing of that name. */
  stat(name: string): Promise<RemoteFile | null>
  /**
   * True when nothing had the name a moment ago, where one look serves many names; false also where nobody knows, so that it must be
   * looked at. Giving the name never overwrites all the same.
   */
  wasAbsent?(name: string): Promise<boolean>
  /** The size alone, where that is less to ask; null when there is no such file. */
  size?(name: string): Promise<number | null>
  /** Bytes of the remote file from `offset`, in order, pipelined. */
  read(name: string, options: { readonly offset: number; readonly signal: AbortSignal }): AsyncIterable<Uint8Array>
  /** Writes the chunks in order, pipelined, with back-pressure; resolves when every byte is acknowledged and the file closed. */
  write(name: string, content: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void>
  /**
   * Never overwrites: rejects with `remote.name_taken` when `to` exists. `folder`: into another folder, named as the
   * connection's settings name theirs; rejects with `remote.folder_missing` where there is none.
   */
  rename(from: string, to: string, folder?: string): Promise<void>
  /** True when something was removed, false when there was nothing. */
  remove(name: string): Promise<boolean>
  /** SHA-256 in hex computed by the server; null when it cannot. `bytes`: how large the file is, where known. */
  hash(name: string, bytes?: number): Promise<string | null>
  readonly staging: Staging
  /** Ends the connection; safe to call twice. */
  close(): Promise<void>
}

/** What the policy says about a line to a server. */
export interface LinePolicy {
  /** What may be offered to an SSH server besides what exceptions add; left out: everything sound. */
  readonly ssh?: { readonly kex: readonly string[]; readonly hostKeys: readonly string[]; readonly ciphers: readonly string[]; readonly macs: readonly string[] }
  readonly tls?: { readonly minimum: '1.2' | '1.3'; readonly forwardSecrecy: boolean }
  /** Called with what was negotiated, before anything is sent on the line; throws `policy.refused`. */
  permit(observed: ObservedCrypto): void
}

/** What an adapter is told about a connection when it opens a session. Secrets are resolved just before. */
export interface FileEndpoint<Settings> {
  readonly settings: Settings
  /** The folder in which the session works, as the settings name it: where we put files, or where we collect them. */
  readonly folder: string
  /** Secret values by field name (`password`, `privateKey`, `secretAccessKey` …). */
  readonly secrets: Readonly<Record<string, string>>
  /** SSH host keys that are pinned now. */
  readonly pins: readonly Pin[]
  /** What decides about an SSH server besides its pins, as bound now. */
  readonly ssh?: SshTrust
  /** What decides about a TLS server, as bound now. */
  readonly tls: TlsTrust
  /** Names of exceptions valid now (`ssh-rsa`, …). */
  readonly tolerated: readonly string[]
  /** What the policy says about the line; left out: nothing besides what the adapter itself demands. */
  readonly line?: LinePolicy
}

/** What an SSH connection trusts and refuses besides pinned keys. */
export interface SshTrust {
  /** Keys whose host certificates are accepted. */
  readonly authorities: readonly Pin[]
  /** Fingerprints of keys and authorities that are never accepted. */
  readonly revoked: readonly string[]
  /** Host keys of the jump host that are pinned now. */
  readonly jump: readonly Pin[]
}

/** What a TLS connection trusts and shows. */
export interface TlsTrust {
  /** Server certificates and public keys that are pinned (role `tls-server`). */
  readonly pins: readonly TlsPin[]
  /** Authorities bound to this connection, in PEM; none: those of the system. */
  readonly authorities: readonly string[]
  /** Our client certificate with its chain, and its private key, in PEM; null: none is shown. */
  readonly client: { readonly item: string; readonly certificate: string; readonly privateKey: string } | null
}

export interface TlsPin {
  readonly item: string
  /** `sha256:` and lower-case hex (the certificate), or `spki:` and Base64 (its public key). */
  readonly fingerprint: string
  /** PEM where the whole certificate is known. */
  readonly certificate: string | null
}

export interface Pin {
  readonly item: string
  readonly algorithm: string
  readonly fingerprint: string
  readonly publicKey: string | null
}

export interface TestProgress {
  /** Called when a stage starts (`running`) and again when it ends. */
  (stage: TestStage): void
}

export interface FileTestResult {
  readonly stages: readonly TestStage[]
  readonly hostKey: PresentedHostKey | null
  readonly certificate: PresentedCertificate | null
  readonly observed: ObservedCrypto
}

/** One file protocol. Its folder holds the same file names in each: index, config, session, errors, probe, conformance test, README. */
export interface FileProtocol<Settings = never> {
  readonly id: 'sftp' | 'ftps' | 's3' | 'folder'
  readonly settings: z.ZodType<Settings>
  connect(endpoint: FileEndpoint<Settings>, signal: AbortSignal): Promise<FileSession>
  /** The staged connection test; never rejects for what the server does, only for cancellation. */
  test(endpoint: FileEndpoint<Settings>, onProgress: TestProgress, signal: AbortSignal): Promise<FileTestResult>
}
