//! botocore as the agent, with placeholders for keys; and botocore again, with the real ones, to check what arrived.

use super::*;
use crate::clients::{python, there};
use crate::support::forms;
use std::fs;
use std::process::Command;

const ID: &str = "AKIAQ3EGUVSFWHN5T7XA";
const SECRET: &str = "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";
const SESSION: &str = "IQoJb3JpZ2luX2VjEXAMPLE/session+token==";

/// Calls of both kinds of services, in each way of covering the body; and a presigned URL.
const AGENT: &str = r"
import os, urllib.request
import botocore.parsers, botocore.session
from botocore.config import Config

def client(service, **config):
    session = botocore.session.Session()
    session.set_credentials(os.environ['KEY_ID'], os.environ['SECRET_KEY'], os.environ['SESSION'])
    return session.create_client(service, region_name='us-east-1', endpoint_url='https://origin.test',
                                 config=Config(retries={'max_attempts': 0}, **config))

path = {'addressing_style': 'path'}
s3 = client('s3', s3=path)
s3.put_object(Bucket='bucket', Key='a key/with ümlaut~', Body=b'hello', Metadata={'a': 'b  c'})
s3.put_object(Bucket='bucket', Key='summed', Body=b'hello' * 20000, ChecksumAlgorithm='SHA256')
s3.get_object(Bucket='bucket', Key='a key/with ümlaut~', Range='bytes=0-3')
plain = client('s3', s3=dict(path, payload_signing_enabled=True), request_checksum_calculation='when_required')
plain.put_object(Bucket='bucket', Key='signed', Body=b'hello, signed')
s3.list_objects_v2(Bucket='listing', Prefix='a/b c+d', MaxKeys=2)
client('dynamodb').list_tables(Limit=3)
try:
    client('sts').get_caller_identity()
except botocore.parsers.ResponseParserError:
    pass  # the origin's answer is none; the request was
url = client('s3', s3=path, signature_version='s3v4').generate_presigned_url('get_object', Params={'Bucket': 'bucket', 'Key': 'pre signed'}, ExpiresIn=60)
print(urllib.request.urlopen(url).status)
try:
    client('iam').list_users()
    raise SystemExit('another service was signed for')
except Exception as why:
    assert '403' in str(why) or 'signature_out_of_scope' in str(why), why
";

/// Signs each request that arrived with the real keys, and compares.
const ORIGIN: &str = r"
import base64, hashlib, json, re, urllib.parse
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

keys = json.load(open('keys.json'))
real = Credentials(keys['id'], keys['secret'], keys['session'])
kinds = set()
for got in json.load(open('received.json')):
    headers, body = got['headers'], base64.b64decode(got['body'])
    target = got['target'] if got['target'].startswith('/') else '/' + got['target']
    url = 'https://' + got['authority'] + target
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    if 'X-Amz-Signature' in query:
        names, sent, date = query['X-Amz-SignedHeaders'].split(';'), query['X-Amz-Signature'], query['X-Amz-Date']
        scope = query['X-Amz-Credential'].split('/')
        assert query['X-Amz-Security-Token'] == keys['session'], query
        url = re.sub(r'&X-Amz-Signature=[0-9a-f]+', '', url)
        kind = S3SigV4QueryAuth
        kinds.add('presigned')
    else:
        fields = dict(re.findall(r'(\w+)=([^, ]+)', headers['authorization']))
        names, sent, date = fields['SignedHeaders'].split(';'), fields['Signature'], headers['x-amz-date']
        scope = fields['Credential'].split('/')
        assert headers['x-amz-security-token'] == keys['session'] and 'x-amz-security-token' in names
        kind = S3SigV4Auth if scope[3] == 's3' else SigV4Auth
        stated = headers.get('x-amz-content-sha256', '')
        if len(stated) == 64:
            assert stated == hashlib.sha256(body).hexdigest(), target
        kinds.add(stated if stated and len(stated) != 64 else 'hash' if stated else scope[3])
    assert scope[0] == keys['id'], scope
    signed = {n: got['authority'] if n == 'host' else headers[n] for n in names}
    request = AWSRequest(method=got['method'], url=url, headers=signed, data=body)
    request.context['timestamp'] = date
    auth = kind(real, scope[3], scope[2])
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert auth.signature(text, request) == sent, (got['method'], target, auth.canonical_request(request))
print(sorted(kinds))
";

#[test]
fn botocore_signs_with_placeholders_and_verifies_with_keys() {
    let Some(python) = python::interpreter() else { return };
    if !there(&python, &["-c", "import botocore"]) {
        return;
    }
    let origin = origin().start();
    let list = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></ListBucketResult>";
    for path in
        ["/bucket/a%20key/with%20%C3%BCmlaut~", "/bucket/summed", "/bucket/signed", "/bucket/pre%20signed"]
    {
        // what is no XML is no answer of S3's
        origin.on(path, Reply::new(""));
    }
    origin.on("/listing", Reply::new(list).header("content-type", "application/xml"));
    // DynamoDB's JSON is empty XML to the other, which only looks at the status
    origin.on("/", Reply::new(""));
    let account = json!([{
        "kind": "aws_sigv4", "access_key_id_secret": "KEY_ID", "secret": "SECRET_KEY", "session_token": "SESSION",
        "regions": ["us-east-1"], "services": ["s3", "dynamodb", "sts"], "hosts": ["origin.test"],
    }]);
    let home = katana()
        .origin(&origin)
        .secret("KEY_ID", ID)
        .secret("SECRET_KEY", SECRET)
        .secret("SESSION", SESSION)
        .config(json!({ "credentials": account }))
        .home();
    let file = |name: &str| home.dir.path().join(name);
    fs::write(file("agent.py"), AGENT).unwrap();
    fs::write(file("origin.py"), ORIGIN).unwrap();
    let out = home.command(&["run", "--", &python, "agent.py"]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));

    let received = origin.received();
    let sent = String::from_utf8_lossy(&origin.wires().concat()).into_owned();
    assert!(!sent.contains(SECRET), "the key itself never leaves");
    let document: Vec<Value> = received
        .iter()
        .map(|r| {
            let headers: serde_json::Map<String, Value> =
                r.headers.iter().map(|(n, v)| (n.clone(), String::from_utf8_lossy(v).into_owned().into())).collect();
            json!({"method": r.method, "target": r.target, "authority": r.authority, "headers": headers, "body": forms::base64(&r.body)})
        })
        .collect();
    fs::write(file("received.json"), Value::from(document).to_string()).unwrap();
    fs::write(file("keys.json"), json!({"id": ID, "secret": SECRET, "session": SESSION}).to_string())
        .unwrap();
    let out = Command::new(&python).arg("origin.py").current_dir(home.dir.path()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let kinds = String::from_utf8_lossy(&out.stdout).into_owned();
    for kind in ["presigned", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "hash", "dynamodb", "sts"] {
        assert!(kinds.contains(kind), "{kind} in {kinds}");
    }
}
