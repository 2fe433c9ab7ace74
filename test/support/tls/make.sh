#!/bin/sh
# Makes the certificates in this folder anew (openssl 3). They are for tests only and are valid for 100 years.
set -eu
cd "$(dirname "$0")"
rm -f ./*.pem ./*.p12 ./*.txt* ./*.srl
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key.pem"; }
authority() {
  key "$1"
  openssl req -x509 -new -key "$1.key.pem" -out "$1.pem" -days 36500 -subj "/O=envoyts tests/CN=$2" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign'
}
# leaf NAME CN SANS ISSUER [extra arguments of x509]
leaf() {
  name=$1 cn=$2 sans=$3 issuer=$4
  shift 4
  [ -f "$name.key.pem" ] || key "$name"
  printf 'subjectAltName=%s\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n' "$sans" > extensions.txt
  openssl req -new -key "$name.key.pem" -subj "/O=envoyts tests/CN=$cn" \
    | openssl x509 -req -CA "$issuer.pem" -CAkey "$issuer.key.pem" -CAcreateserial -out "$name.pem" -extfile extensions.txt "$@"
}
authority ca 'Test CA'
authority other_ca 'Other CA'
leaf server server.example 'DNS:server.example,DNS:*.wild.example,IP:127.0.0.1,URI:spiffe://test.example/server,email:server@example.com' ca -days 36500
leaf client client.example 'DNS:client.example,URI:spiffe://test.example/client' ca -days 36500
leaf stranger server.example 'DNS:server.example' other_ca -days 36500
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key.pem
leaf rsa server.example 'DNS:server.example' ca -days 36500
# A leaf behind an intermediate: the file holds the chain.
key intermediate
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' > extensions.txt
openssl req -new -key intermediate.key.pem -subj '/O=envoyts tests/CN=Test intermediate' \
  | openssl x509 -req -CA ca.pem -CAkey ca.key.pem -CAcreateserial -out intermediate.pem -extfile extensions.txt -days 36500
leaf deep deep.example 'DNS:deep.example' intermediate -days 36500
cat intermediate.pem >> deep.pem
openssl pkcs8 -topk8 -in server.key.pem -out server.encrypted.key.pem -passout pass:secret
openssl pkcs12 -export -in client.pem -inkey client.key.pem -out client.p12 -passout pass:secret
# As older programs write them.
openssl pkcs12 -export -in client.pem -inkey client.key.pem -out client.3des.p12 -passout pass:secret -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1
leaf revoked server.example 'DNS:server.example' ca -days 36500
: > index.txt
echo 77 > serial.txt
cat > ca.txt <<CONF
[ca]
default_ca=d
[d]
database=index.txt
serial=serial.txt
new_certs_dir=.
default_md=sha256
default_crl_days=36500
policy=p
unique_subject=no
[p]
organizationName=optional
commonName=supplied
CONF
# Only this command makes one that is over already.
key expired
printf 'subjectAltName=DNS:server.example\n' > extensions.txt
openssl req -new -key expired.key.pem -subj '/O=envoyts tests/CN=server.example' -out expired.csr.txt
openssl ca -batch -notext -config ca.txt -keyfile ca.key.pem -cert ca.pem -startdate 20000101000000Z -enddate 20010101000000Z \
  -extfile extensions.txt -in expired.csr.txt -out expired.pem
# A list of the CA that revokes the certificate of revoked.pem.
openssl ca -config ca.txt -keyfile ca.key.pem -cert ca.pem -revoke revoked.pem
openssl ca -config ca.txt -keyfile ca.key.pem -cert ca.pem -gencrl -out crl.pem
rm -f ./*.txt* ./*.srl 77.pem
