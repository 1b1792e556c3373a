#!/bin/bash
# A throw-away Slurm cluster on this machine, as root: NODES virtual nodes with one core each, with
# daemons, keys and ports of its own.
#
#     slurm_cluster.sh up FOLDER NODES    then: export SLURM_CONF=FOLDER/slurm.conf
#     slurm_cluster.sh down FOLDER
set -euo pipefail

host=$(hostname -s)

# A free range of ports for the daemons: CONTROLLER, CONTROLLER + 1, ...
free_port() {
  local port
  for port in $(seq 26000 50 32000); do
    if ! grep -qi ":$(printf '%04X' "$port") " /proc/net/tcp /proc/net/tcp6 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  echo "no free port" >&2
  return 1
}

write_config() {
  local folder=$1 nodes=$2 port=$3 node
  cat <<END
ClusterName=d2l
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
TmpFS=$folder/tmp-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog=$folder/task_prolog.sh
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,requeue_delay=0
SlurmdParameters=config_overrides
PropagateResourceLimits=NONE
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=10
KillWait=5
InactiveLimit=0
Waittime=0
JobRequeue=1
NodeName=DEFAULT CPUs=1 Boards=1 SocketsPerBoard=1 CoresPerSocket=1 ThreadsPerCore=1 RealMemory=2000
END
  for ((node = 1; node <= nodes; ++node)); do
    echo "NodeName=node$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + node))"
  done
  echo "PartitionName=main Nodes=node[1-$nodes] Default=YES MaxTime=INFINITE State=UP"
}

# The virtual nodes share one /dev/shm, where Open MPI expects files of one host.
write_task_prolog() {
  cat <<END
#!/bin/bash
shared=/dev/shm/d2l-slurm-$1-\$SLURMD_NODENAME
mkdir -p "\$shared"
echo "export OMPI_MCA_btl_vader_backing_directory=\$shared"
echo "export OMPI_MCA_btl_tcp_if_include=lo"
echo "export OMPI_MCA_mpi_yield_when_idle=1"
END
}

up() {
  local folder=$1 nodes=$2 port node
  mkdir -p "$folder/munge" "$folder/state"
  folder=$(cd "$folder" && pwd -P)
  chmod 755 "$folder" "$folder/munge"
  chmod 700 "$folder/state"
  port=$(free_port)
  (umask 077 && head -c 128 /dev/urandom >"$folder/munge/key")
  munged --force --socket="$folder/munge/socket" --key-file="$folder/munge/key" \
    --pid-file="$folder/munge/munged.pid" --log-file="$folder/munge/log" \
    --seed-file="$folder/munge/seed" --num-threads=2
  write_config "$folder" "$nodes" "$port" >"$folder/slurm.conf"
  # Without it, slurmd refuses to start where there are no control groups.
  echo "CgroupPlugin=cgroup/v1" >"$folder/cgroup.conf"
  write_task_prolog "$port" >"$folder/task_prolog.sh"
  chmod 755 "$folder/task_prolog.sh"
  export SLURM_CONF=$folder/slurm.conf
  slurmctld -f "$SLURM_CONF"
  for ((node = 1; node <= nodes; ++node)); do
    mkdir -p "$folder/spool-node$node" "$folder/tmp-node$node"  # TmpFS: PMIx has its sockets there
    slurmd -f "$SLURM_CONF" -N "node$node"
  done
  for ((attempt = 0; attempt < 100; ++attempt)); do
    [ "$(sinfo -h -N -o %T | grep -c '^idle$')" = "$nodes" ] && return
    sleep 0.1
  done
  echo "the cluster does not start" >&2
  tail -n 20 "$folder"/*.log >&2
  return 1
}

stop() {
  local process
  process=$(cat "$1" 2>/dev/null) || return 0
  grep -qaE 'slurmctld|slurmd|munged' "/proc/$process/cmdline" 2>/dev/null || return 0
  kill "$process"
  for ((attempt = 0; attempt < 100; ++attempt)); do
    [ -e "/proc/$process" ] || return 0
    grep -q '^State:.*Z' "/proc/$process/status" 2>/dev/null && return 0
    sleep 0.05
  done
  kill -9 "$process" || true
}

down() {
  local folder=$1 file port
  [ -f "$folder/slurm.conf" ] || return 0
  export SLURM_CONF=$folder/slurm.conf
  timeout 10 scancel --user=root 2>/dev/null || true
  for ((attempt = 0; attempt < 50; ++attempt)); do
    [ -z "$(timeout 5 squeue -h 2>/dev/null)" ] && break
    sleep 0.1
  done
  for file in "$folder"/slurmd-*.pid "$folder/slurmctld.pid" "$folder/munge/munged.pid"; do
    stop "$file"
  done
  port=$(sed -n 's/^SlurmctldPort=//p' "$folder/slurm.conf")
  rm -rf /dev/shm/d2l-slurm-"$port"-*
}

"$@"
