/** The embedded practice partner as the core sees it; the host knows how to start its process. */

export interface RunningPractice {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  /** One OpenSSH line. */
  readonly hostKey: string
  readonly ftps: { readonly port: number }
  readonly s3: {
    readonly port: number
    readonly bucket: string
    readonly prefix: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
  }
  /** What FTPS and S3 show, in PEM. */
  readonly tlsCertificate: string
  /** Where it offers files, below the folder in which every file protocol starts. */
  readonly out: string
  readonly as2: {
    readonly id: string
    readonly port: number
    /** PEM. */
    readonly certificate: string
  }
  /** Tells it who we are in AS2; the certificate in PEM. */
  know(us: { readonly as2Id: string; readonly certificate: string }): Promise<void>
  /** Lets it send a message to us. */
  send(message: { readonly url: string; readonly name: string; readonly content: Uint8Array }): Promise<PracticeMessage>
  stop(): Promise<void>
}

/** What came of a message that it sent to us: its own verdict about our receipt. */
export interface PracticeMessage {
  readonly messageId: string
  readonly delivered: boolean
  readonly disposition: string
  readonly reasons: readonly string[]
}

export interface PracticePort {
  /** Starts the server on a folder that it keeps its files and its host key in. */
  start(folder: string): Promise<RunningPractice>
}
