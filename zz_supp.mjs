import { createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import fs from 'fs'; import path from 'path';
import { ProtoRegistry } from './core/api/proto_registry.ts';
const neu = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync('/tmp/st2.binpb')));
const old = new ProtoRegistry(fs.readFileSync('/tmp/old_gen/descriptors.binpb'), JSON.parse(fs.readFileSync('/tmp/old_gen/descriptors.json','utf8')));
const rulesExt = neu.getExtension('validate.rules'), reqExt = neu.getExtension('validate.required');
const WANT = new Set(`envoy/type/matcher/v3/address envoy/config/core/v3/socket_cmsg_headers envoy/config/core/v3/cel envoy/extensions/clusters/common/dns/v3/dns envoy/extensions/clusters/dns/v3/dns_cluster
envoy/extensions/filters/http/api_key_auth/v3/api_key_auth envoy/extensions/filters/http/grpc_json_reverse_transcoder/v3/transcoder envoy/extensions/load_balancing_policies/override_host/v3/override_host envoy/extensions/load_balancing_policies/random_subsetting/v3/random_subsetting
envoy/extensions/resource_monitors/cpu_utilization/v3/cpu_utilization envoy/extensions/resource_monitors/cgroup_memory/v3/cgroup_memory envoy/extensions/http/stateful_session/envelope/v3/envelope
envoy/extensions/tracers/opentelemetry/samplers/v3/trace_id_ratio_based_sampler envoy/extensions/tracers/opentelemetry/samplers/v3/parent_based_sampler envoy/extensions/matching/input_matchers/metadata/v3/metadata envoy/extensions/matching/common_inputs/transport_socket/v3/transport_socket_inputs
envoy/extensions/rbac/principals/mtls_authenticated/v3/mtls_authenticated envoy/extensions/router/cluster_specifiers/matcher/v3/matcher envoy/extensions/access_loggers/filters/process_ratelimit/v3/process_ratelimit`.split(/\s+/));
const SCALARS = {1:'double',2:'float',3:'int64',4:'uint64',5:'int32',6:'fixed64',7:'fixed32',8:'bool',9:'string',12:'bytes',13:'uint32',15:'sfixed32',16:'sfixed64',17:'sint32',18:'sint64'};
let imports; import {toJson} from '@bufbuild/protobuf';
const oldRules=old.getFile('validate/validate.proto').extensions.find(e=>e.name==='rules');
const rs=(f,e)=> f.proto.options?.$unknown?.some(u=>u.no===1071)? JSON.stringify(toJson(e.message,getOption(f,e))):'';
function need(desc){ imports.add(desc.file.name+'.proto'); if(!old.index.files[desc.file.name+'.proto'] && !desc.file.name.startsWith('google/')) WANT.add(desc.file.name); return '.'+desc.typeName; }
function txt(m){ // FieldRules -> text
  const parts=[]; const desc=neu.getMessage(m.$typeName);
  for(const f of desc.fields){ let v; if(f.oneof){const a=m[f.oneof.localName]; if(a.case!==f.localName) continue; v=a.value;} else { if(f.fieldKind==='list'){ for(const x of m[f.localName]) parts.push(`${f.name}: ${lit(f,x)}`); continue;} if(!Object.hasOwn(m,f.localName)||m[f.localName]===undefined) continue; v=m[f.localName]; }
    if(f.fieldKind==='message') parts.push(`${f.name} {${txt(v)}}`); else parts.push(`${f.name}: ${lit(f,v)}`);} return parts.join(' ');
}
function lit(f,v){ if(f.fieldKind==='enum'||f.enum) return f.enum.value[v].name; if(typeof v==='string') return JSON.stringify(v); return String(v); }
function field(f, ind){
  let t; if(f.fieldKind==='map') t=`map<${SCALARS[f.mapKey]}, ${f.message?need(f.message):f.enum?need(f.enum):SCALARS[f.scalar]}>`;
  else { const b=f.message?need(f.message):f.enum?need(f.enum):SCALARS[f.scalar]; t=(f.fieldKind==='list'?'repeated ':f.proto.proto3Optional?'optional ':'')+b; }
  const opts=[]; if(f.deprecated) opts.push('deprecated = true');
  if(f.proto.options?.$unknown?.some(u=>u.no===1071)){ const s=txt(getOption(f,rulesExt)); if(s){ imports.add('validate/validate.proto'); opts.push(`(validate.rules) = {${s}}`);} }
  return `${ind}${t} ${f.name} = ${f.number}${opts.length?` [${opts.join(', ')}]`:''};`;
}
function message(m, ind){ const L=[`${ind}message ${m.name} {`]; for(const e of m.nestedEnums) L.push(...enm(e,ind+'  ')); for(const n of m.nestedMessages) L.push(...message(n,ind+'  '));
  for(const mem of m.members){ if(mem.kind==='oneof') L.push(...oneof(mem,ind+'  ')); else L.push(field(mem,ind+'  ')); } L.push(`${ind}}`); return L; }
function oneof(o,ind,fields=o.fields){ const L=[`${ind}oneof ${o.name} {`]; if(o.proto.options&&getOption(o,reqExt)===true){L.push(`${ind}  option (validate.required) = true;`);imports.add('validate/validate.proto');} for(const f of fields) L.push(field(f,ind+'  ')); L.push(`${ind}}`); return L; }
function enm(e,ind){ return [`${ind}enum ${e.name} {`, ...e.values.map(v=>`${ind}  ${v.name} = ${v.number}${v.deprecated?' [deprecated = true]':''};`), `${ind}}`]; }
function patch(m, ind){ const om=old.getMessage(m.typeName); if(!om) return message(m,ind);
  const L=[]; for(const e of m.nestedEnums){ const oe=om.nestedEnums.find(x=>x.name===e.name); if(!oe) L.push(...enm(e,ind+'  ')); else { const nv=e.values.filter(v=>!oe.value[v.number]); if(nv.length) L.push(`${ind}  enum ${e.name} { // patch`, ...nv.map(v=>`${ind}    ${v.name} = ${v.number};`), `${ind}  }`);} }
  for(const n of m.nestedMessages) L.push(...patch(n,ind+'  '));
  const has=f=>{ const y=om.fields.find(y=>y.number===f.number||y.name===f.name); if(!y) return false; if(y.name!==f.name||y.number!==f.number) return true; if (!/^envoy.(config|extensions|type)/.test(m.typeName)) return true; return y.deprecated===f.deprecated && rs(f,rulesExt)===rs(y,oldRules) && y.message?.typeName===f.message?.typeName && y.fieldKind===f.fieldKind; };
  for(const mem of m.members){ if(mem.kind==='oneof'){ const fs2=mem.fields.filter(f=>!has(f)); if(!fs2.length) continue; const oo=om.oneofs.find(x=>x.name===mem.name); if(oo) L.push(`${ind}  oneof ${mem.name} { // patch`, ...fs2.map(f=>field(f,ind+'    ')), `${ind}  }`); else if(fs2.length===mem.fields.length) L.push(...oneof(mem,ind+'  ')); else for(const f of fs2) L.push(field(f,ind+'  ')); } else if(!has(mem)) L.push(field(mem,ind+'  ')); }
  return L.length?[`${ind}message ${m.name} { // patch`,...L,`${ind}}`]:[]; }
const files=[...neu.files].filter(f=>/^envoy\/(config|type|extensions|admin)\//.test(f.name)&&/\/v3(alpha)?\//.test(f.name));
const done=new Set(); let count=0;
function emit(f, L, isPatch){ const deps=[...imports].filter(i=>i!==f.name+'.proto').sort();
  const p='tools/codegen/supplements/'+f.name+'.proto'; fs.mkdirSync(path.dirname(p),{recursive:true});
  const head=isPatch?['// Declarations that the bundled proto predates.','']:['syntax = "proto3";','',`package ${f.proto.package};`,''];
  fs.writeFileSync(p,[...head,...deps.map(i=>`import "${i}";`),...(deps.length?['']:[]),...L].join('\n')+'\n'); count++; }
for(const f of files){ if(!old.index.files[f.name+'.proto']||f.name.startsWith('validate')) continue; imports=new Set(); const L=[];
  const of=old.getFile(f.name+'.proto');
  for(const e of f.enums){const oe=of.enums.find(x=>x.name===e.name); if(!oe){L.push(...enm(e,''));continue;} const nv=e.values.filter(v=>!oe.value[v.number]); if(nv.length) L.push(`enum ${e.name} { // patch`,...nv.map(v=>`  ${v.name} = ${v.number};`),'}');}
  for(const m of f.messages) L.push(...patch(m,'')); if(L.length) emit(f,L,true); }
for(let again=true;again;){ again=false; for(const f of files){ if(!WANT.has(f.name)||done.has(f.name)) continue; done.add(f.name); again=true; imports=new Set(); const L=[]; for(const e of f.enums) L.push(...enm(e,'')); for(const m of f.messages) L.push(...message(m,''),''); emit(f,L,false);} }
console.log(count,[...done]);
