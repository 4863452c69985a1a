import { catalogue } from './spec.ts'

/** Why something waits although nothing is wrong with it. */
export const backgroundErrors = catalogue({
  'net.offline': {
    retry: 'backoff', exit: 1,
    title: 'This computer is offline',
    happened: 'There is no network now. The delivery waits and loses no try; it goes on by itself when the network is back.',
    todo: ['Connect this computer to the network.', 'If it is connected after all, choose "Retry now".'],
  },
  'net.metered': {
    retry: 'backoff', exit: 1,
    title: 'The network is paid by volume',
    happened: 'The system says that this network is metered, and the settings say to wait then. The delivery loses no try.',
    todo: ['Wait for another network, or choose "Retry now" for this delivery.', 'Change "On metered networks" in the settings to send there as well.'],
  },
  'net.left_alone': {
    retry: 'backoff', exit: 1,
    title: 'The connection is left alone for a while',
    happened: 'The server could not be reached several times in a row. What waits for it loses no try; the details say when it is tried next.',
    todo: ['Wait for the next try, or choose "Try this connection now".', 'Test the connection; if the server stays away, call the partner.'],
  },
  'workspace.disk_low': {
    retry: 'backoff', exit: 1,
    title: 'Too little space on this computer',
    happened: 'Less space is free than is kept in reserve, so nothing is taken in or opened. Files stay where they are; it goes on by itself when there is space.',
    todo: ['Free some space on the disk that holds the workspace.', 'The reserve can be changed in the settings.'],
  },
})
