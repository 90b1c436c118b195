# A queue on which a Longshore worker starts: nothing that is sent to it is lost, and a
# limit of Service Bus's own leaves every decision about a task to the worker.

locals {
  max_deliveries     = coalesce(var.max_deliveries, 2 * var.max_attempts + 2)
  max_delivery_count = coalesce(var.max_delivery_count, local.max_deliveries + 3)

  # What Service Bus calls for ever.
  forever = "P10675199DT2H48M5.4775807S"

  seconds = {
    hold      = var.hold_seconds
    retention = var.retention_seconds
    dedup     = var.dedup_window_seconds
  }

  # As Service Bus writes a duration, from the largest unit down and without zeros: the
  # provider compares text, and PT60S would differ for ever from the PT1M that it reads.
  durations = {
    for name, s in local.seconds : name => join("", [
      "P",
      s >= 86400 ? "${floor(s / 86400)}D" : "",
      s % 86400 > 0 ? "T" : "",
      s % 86400 >= 3600 ? "${floor(s % 86400 / 3600)}H" : "",
      s % 3600 >= 60 ? "${floor(s % 3600 / 60)}M" : "",
      s % 60 > 0 ? "${s % 60}S" : "",
    ]) if s != null
  }
}

# What expires goes to the dead letter, and nothing expires there. The queue is never
# deleted for being idle, and dead letters are not forwarded: a worker reads them from
# the queue's own dead letter.
resource "azurerm_servicebus_queue" "this" {
  name         = var.name
  namespace_id = local.namespace_id

  lock_duration      = local.durations.hold
  max_delivery_count = local.max_delivery_count

  default_message_ttl                  = lookup(local.durations, "retention", local.forever)
  dead_lettering_on_message_expiration = true
  auto_delete_on_idle                  = local.forever

  requires_session                        = var.sessions
  requires_duplicate_detection            = var.dedup
  duplicate_detection_history_time_window = local.durations.dedup

  partitioning_enabled  = var.partitioning
  max_size_in_megabytes = var.max_size_megabytes

  lifecycle {
    precondition {
      condition     = local.sku != "Premium" || var.partitioning == (local.partitions != 1)
      error_message = "partitioning is ${var.partitioning}, and the namespace ${local.namespace_name} has ${local.partitions} partitions. On Premium a queue is partitioned where its namespace is, and nowhere else."
    }
    precondition {
      condition     = local.sku == "Premium" || coalesce(var.max_size_megabytes, 1024) <= 5120
      error_message = "max_size_megabytes is above 5120, which is the most on the tier ${local.sku}."
    }
  }
}
