/** Programs that none of us wrote, which the tests talk to. Absent ones are named as skipped, or fail where nothing may be skipped. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** How to get each peer. */
const PEERS = {
  sshd: { get: 'apt-get install openssh-server', also: ['/usr/sbin/sshd'] },
  'ssh-keygen': { get: 'apt-get install openssh-client', also: [] },
  'ssh-agent': { get: 'apt-get install openssh-client', also: [] },
  puttygen: { get: 'apt-get install putty-tools', also: [] },
  sftp: { get: 'apt-get install openssh-client', also: [] },
  vsftpd: { get: 'apt-get install vsftpd', also: ['/usr/sbin/vsftpd'] },
  proftpd: { get: 'build/ci/proftpd.sh', also: [join(import.meta.dirname, '../../.peers/proftpd/usr/sbin/proftpd'), '/usr/sbin/proftpd'] },
  curl: { get: 'apt-get install curl', also: [] },
  lftp: { get: 'apt-get install lftp', also: [] },
  openssl: { get: 'apt-get install openssl', also: [] },
  keytool: { get: 'apt-get install openjdk-17-jre-headless', also: [] },
  radosgw: { get: 'apt-get install radosgw ceph-mon ceph-osd ceph-common', also: [] },
  'ceph-mon': { get: 'apt-get install ceph-mon', also: [] },
  'ceph-osd': { get: 'apt-get install ceph-osd', also: [] },
  ceph: { get: 'apt-get install ceph-common', also: [] },
  versitygw: { get: 'build/ci/versitygw.sh (needs Go)', also: [] },
  rclone: { get: 'apt-get install rclone', also: [] },
  faketime: { get: 'apt-get install faketime', also: [] },
  gpg: { get: 'apt-get install gnupg', also: [] },
  gpgconf: { get: 'apt-get install gnupg', also: [] },
  aiosmtpd: { get: 'apt-get install python3-aiosmtpd', also: [] },
  java: { get: 'apt-get install openjdk-17-jre-headless', also: [] },
  chromium: { get: 'apt-get install chromium', also: ['/usr/bin/chromium'] },
  'gnome-keyring-daemon': { get: 'apt-get install gnome-keyring dbus', also: [] },
  pyas2lib: { get: 'bash build/ci/pyas2lib.sh', also: [join(import.meta.dirname, '../../.peers/pyas2lib/bin/python')] },
  'dbus-run-session': { get: 'apt-get install dbus', also: [] },
} as const

export type PeerName = keyof typeof PEERS

export interface Peer {
  readonly path: string | null
  /** For `describe.skipIf(peer.absent)`. */
  readonly absent: boolean
  /** For the suite's title: why it is skipped, or nothing. */
  readonly note: string
}

/** Looks for a peer; throws where it must be there (WAYBILL_REQUIRE_PEERS=1). */
export function findPeer(name: PeerName): Peer {
  const { get, also } = PEERS[name]
  const candidates = [...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)), ...also]
  const path = candidates.find((candidate) => existsSync(candidate)) ?? null
  if (path === null && process.env['WAYBILL_REQUIRE_PEERS'] === '1') throw new Error(`${name} is required here: ${get}`)
  return { path, absent: path === null, note: path === null ? ` (skipped: needs ${name}, ${get})` : '' }
}
