/** The embedded practice partner as the core sees it; the host knows how to start its process. */

export interface RunningPractice {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  /** One OpenSSH line. */
  readonly hostKey: string
  stop(): Promise<void>
}

export interface PracticePort {
  /** Starts the server on a folder that it keeps its files and its host key in. */
  start(folder: string): Promise<RunningPractice>
}
