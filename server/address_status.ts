import type { AddressStatus } from './instance.ts';
import { addressText, isUnixAddress } from './listeners/bind_error.ts';

/** An address as the admin interface shows it. */
export function addressStatus(address: string, port: number): AddressStatus {
  return {
    text: addressText(address, port),
    json: isUnixAddress(address) ? { pipe: { path: address } } : { socket_address: { address, port_value: port } },
  };
}
